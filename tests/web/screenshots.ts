// Makes docs/images: pages of a cluster that trades. Run by hand in tests/web, after
// deploy/build-dashboard.sh: npx vite-node screenshots.ts [SECONDS]. It trades that long (default
// 1200) before it looks, so that charts have something to show.

import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { launch, open, unlock, visit } from './browser';
import { Cluster } from './cluster';
import { moveMarket, MOVING } from './market';

const IMAGES = fileURLToPath(new URL('../../docs/images/', import.meta.url));
const PAGES = [
  ['overview', '/overview', 'dark'],
  ['market', `/market?symbol=${MOVING}`, 'dark'],
  ['raft', '/raft', 'light'],
  ['nodes', '/nodes', 'light'],
] as const;

const seconds = Number(process.argv[2] ?? 1200);
const cluster = new Cluster();
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
  await new Promise((later) => setTimeout(later, seconds * 1000));
  for (const [name, address, colorScheme] of PAGES) {
    const size = { width: 1400, height: name === 'market' ? 1060 : 900 };
    const { page } = await open(browser, cluster.url(1), { colorScheme, viewport: size });
    if (name === 'market') await unlock(page, cluster.token());
    await visit(page, address);
    await page.waitForTimeout(3000); // for charts to be drawn and a few updates to come
    await page.screenshot({ path: `${IMAGES}${name}.png` });
    await page.context().close();
  }
} finally {
  done = true;
  await moving.catch(() => undefined);
  await browser.close();
  await cluster.down();
}
