// Every page on a real cluster: it shows what it should, axe finds nothing serious in either theme,
// all of it is reached by keyboard, it fits a narrow screen, and the console stays silent.

import { describe, expect, it } from 'vitest';

import { missedByKeyboard, NARROW, overflow, seriousIssues, visit, WIDE } from './browser';
import { OPERATOR_TOKEN } from './cluster';
import { fixture } from './fixture';
import { SYMBOL } from './market';

const { openNode } = fixture();

// Each page, and texts that only its own data can put there.
const PAGES: readonly [page: string, ...texts: RegExp[]][] = [
  ['overview', /^Healthy: 3 of 3 voters/, /^Orders\/s$/, /^shard 1$/, /^Markets$/, /^30\.0 bps$/],
  ['nodes', /^Node 1 \(this\)/, /^Clock offset$/, /^ready$/],
  ['shards', /^Shard 1$/, /^leads$/, /^Replicas of shard 1$/],
  ['raft', /^Where a command’s time goes, shard 1$/, /^Answer in all$/, /^to node 3$/],
  [`market?symbol=${SYMBOL}`, /^10\.02$/, /\(30\.0 bps\)/, /▲ buy/, /^Depth$/],
  ['storage', /^Sync p99$/, /^Write p99$/, /^Logs and snapshots$/],
  ['alerts', /firing, .* pending, .* rules/, /^Rules$/],
  ['config', /^Configuration of node 1$/, /^data_dir$/],
  ['api', /^Calls$/, /^\/api\/summary$/],
];

describe.each(PAGES)('page %s', (page, ...texts) => {
  it.each([
    ['dark', WIDE],
    ['light', NARROW],
  ] as const)('is whole, %s, on a screen of %o', async (colorScheme, viewport) => {
    const watched = await openNode(1, { colorScheme, viewport });
    await visit(watched.page, `/${page}`);
    const main = watched.page.getByRole('main');
    for (const text of texts) await main.getByText(text).first().waitFor({ state: 'visible' });
    expect(await seriousIssues(watched.page)).toEqual([]);
    expect(await missedByKeyboard(watched.page)).toEqual([]);
    expect(await overflow(watched.page)).toBe(0);
    expect(watched.wrong).toEqual([]);
    await watched.page.context().close();
  });
});

describe('the frame', () => {
  it('can be used by keyboard alone', async () => {
    const { page } = await openNode(1);
    const focused = () => page.evaluate(() => document.activeElement?.textContent ?? '');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to the page');
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
    await page.getByRole('link', { name: 'Shards' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Shards', level: 1 }).waitFor();
    await page.context().close();
  });

  it('does not take the next Tab away from where one was', async () => {
    const { page } = await openNode(1);
    await page.locator('main h1').click();
    await visit(page, '/nodes'); // brings its link into view
    await page.getByRole('columnheader').first().waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => !!document.activeElement?.closest('main'))).toBe(true);
    await page.context().close();
  });

  it('brings the link of the open page into view on a narrow screen', async () => {
    const { page } = await openNode(1, { viewport: NARROW });
    for (const to of ['api', 'overview']) {
      await visit(page, `/${to}`);
      const link = page.locator('.nav [aria-current]');
      const seen = async () => {
        const { x, width } = (await link.boundingBox())!;
        return { left: Math.round(x) >= 0, right: Math.round(x + width) <= NARROW.width };
      };
      await expect.poll(seen).toEqual({ left: true, right: true });
    }
    await page.context().close();
  });

  it('says what a figure means, also to who does not point', async () => {
    const { page } = await openNode(1);
    await page.getByRole('button', { name: 'Worst lag' }).focus();
    await page
      .getByRole('tooltip')
      .getByText(/log entries the slowest node/)
      .waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('tooltip').waitFor({ state: 'hidden' });
    await page.context().close();
  });

  it.each([
    ['overview', 'Worst lag', /log entries the slowest node/],
    ['market?symbol=DEMO', 'Order book', /best prices of each side, asks above bids/],
    ['market?symbol=DEMO', 'Trades', /side is that of the order which came last/],
    ['raft', 'Where a command’s time goes, shard 1', /waiting to be packed into an entry/],
    ['raft', 'Elections', /Changes of leader/],
    ['storage', 'Damaged', /set them aside, and began anew/],
    ['storage', 'To compact', /still has to merge/],
    ['storage', 'Received', /From a leader, since the start/],
  ] as const)('says on page %s what is pointed at: %s', async (where, name, text) => {
    const { page } = await openNode(1);
    await visit(page, `/${where}`);
    const term = page.locator('main').getByRole('button', { name, exact: true }).first();
    const tooltip = page.getByRole('tooltip');
    await term.hover();
    await tooltip.getByText(text).waitFor();
    await page.mouse.move(0, 0);
    await tooltip.waitFor({ state: 'hidden' });
    await page.context().close();
  });

  it('says of every column of the disks what it means, where its name does not', async () => {
    const { page } = await openNode(1);
    await visit(page, '/storage');
    const terms = page.locator('main th .term');
    await terms.first().waitFor();
    const said = new Map<string, string>();
    for (const term of await terms.all()) {
      await term.hover();
      const tooltip = page.getByRole('tooltip');
      await tooltip.waitFor();
      said.set((await term.textContent())!, (await tooltip.textContent())!);
    }
    expect([...said.keys()]).toEqual(
      expect.arrayContaining(['Store on disk', 'Disk free', 'Sync p99', 'Write p99', 'Stalls']),
    );
    expect(Math.min(...[...said.values()].map(({ length }) => length))).toBeGreaterThan(20);
    await page.context().close();
  });

  it('remembers the theme, and shares what is shown by its address', async () => {
    const { page } = await openNode(1, { colorScheme: 'dark' });
    await page.getByRole('button', { name: 'Light theme' }).click();
    await visit(page, `/market?symbol=${SYMBOL}`);
    await page.getByRole('button', { name: '5 min' }).click();
    const other = await page.context().newPage();
    await other.goto(page.url());
    await other.getByRole('button', { name: '5 min', pressed: true }).waitFor();
    expect(await other.evaluate(() => document.documentElement.dataset.theme)).toBe('light');
    await page.context().close();
  });

  it('has a page for an address that does not exist', async () => {
    const { page } = await openNode(1);
    for (const name of ['nothing', 'constructor']) {
      await visit(page, `/${name}`);
      await page.getByRole('heading', { name: 'No such page' }).waitFor();
      await visit(page, '/overview');
    }
    await page.context().close();
  });
});

// Of makeMarket(): six orders were entered to rest, two took from them in part.
it('the overview has the figures of the cluster', async () => {
  const { page } = await openNode(2);
  const tile = (label: string) =>
    page.locator('.tile', { has: page.getByRole('button', { name: label, exact: true }) });
  const figures = async (label: string) =>
    (await tile(label).locator('dd').allTextContents()).join('; ');
  for (const [label, shown] of [
    ['Open orders', '6; 1 symbol'],
    ['Worst lag', '0; log entries'],
    ['Alerts firing', '0; 0 pending'],
    ['Orders/s', '0; 0 commands/s'],
    ['Fills/s', '0; 0 rejects/s'],
    // Nothing is committed now: no duration is made up.
    ['Commit p50', '–; no commit in 10 s'],
    ['Commit p99', '–; no commit in 10 s'],
  ] as const) {
    await expect.poll(() => figures(label), { timeout: 20_000 }).toBe(shown);
  }
  await page.context().close();
});

it('the configuration says of each value where it is from', async () => {
  const { page } = await openNode(1);
  await visit(page, '/config');
  const row = (key: string) =>
    page.locator('main tr', { has: page.getByRole('rowheader', { name: key, exact: true }) });
  const source = (key: string) => row(key).locator('td').nth(1);
  expect(await source('cluster.id').textContent()).toMatch(/^config\.yaml:\d+$/);
  expect(await source('cluster.id').getAttribute('title')).toMatch(/\/node1\/config\.yaml:\d+$/);
  expect(await source('raft.heartbeat_interval_ms').textContent()).toBe('default');
  expect(await source('http.operator_token').textContent()).toBe('environment');
  await row('http.operator_token').getByText('not shown').waitFor();
  expect(await page.content()).not.toContain(OPERATOR_TOKEN);
  await page.context().close();
});
