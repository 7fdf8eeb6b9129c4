// Makes docs/images: pages of a cluster that trades. Run by hand in tests/web, after
// deploy/build-dashboard.sh: npx vite-node screenshots.ts [SECONDS]. It trades that long (default
// 1200) before it looks, so that charts have something to show; two minutes before, the leader is
// killed and started again, so that there is a story to tell.

import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { launch, open, unlock, visit } from './browser';
import { Cluster } from './cluster';
import { moveMarket, MOVING } from './market';

const IMAGES = fileURLToPath(new URL('../../docs/images/', import.meta.url));
// Those without a height are shown whole.
const PAGES = [
  ['overview', '/overview', 'dark', 0],
  ['market', `/market?symbol=${MOVING}`, 'dark', 930],
  ['raft', '/raft', 'light', 0],
  ['nodes', '/nodes', 'light', 0],
] as const;

const AFTER_KILL = 120;

const seconds = Number(process.argv[2] ?? 1200);
const cluster = new Cluster();

function sleep(duration: number): Promise<void> {
  return new Promise((later) => setTimeout(later, duration * 1000));
}

// Another one than node 1, whose pages are shown.
async function killLeader(): Promise<void> {
  const leader = await cluster.leader();
  const killed = leader === 1 ? 2 : leader;
  if (leader === 1) await cluster.qb('cluster', 'transfer', '--shard', '1', '--to', String(killed));
  await cluster.kill(killed);
  await sleep(10);
  await cluster.start(killed);
}

mkdirSync(IMAGES, { recursive: true });
await cluster.up();
let done = false;
let moving = Promise.resolve();
const browser = await launch();
try {
  const load = ['--rate', '200', '--symbols', '4', '--symbol-prefix', 'LOAD'];
  const trading = cluster.qb('bench', ...load, '--duration', `${seconds + 120}s`);
  trading.catch(() => undefined); // it is cut off by the end of the cluster
  moving = moveMarket(cluster, () => done);
  moving.catch((error: unknown) => console.error(error));
  await sleep(Math.max(0, seconds - AFTER_KILL));
  await killLeader();
  await sleep(AFTER_KILL);
  for (const [name, address, colorScheme, height] of PAGES) {
    const size = { width: 1400, height: height || 800 };
    const { page } = await open(browser, cluster.url(1), { colorScheme, viewport: size });
    if (name === 'market') await unlock(page, cluster.token());
    await visit(page, address);
    await page.mouse.move(0, 0); // so that nothing is pointed at
    await page.waitForTimeout(3000); // for charts to be drawn and a few updates to come
    await page.screenshot({ path: `${IMAGES}${name}.png`, fullPage: height === 0 });
    await page.context().close();
  }
} finally {
  done = true;
  await moving.catch(() => undefined);
  await browser.close();
  await cluster.down();
}
