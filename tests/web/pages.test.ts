// Every page on a real cluster: it shows what it should, axe finds nothing serious in either theme,
// all of it is reached by keyboard, it fits a narrow screen, and the console stays silent.

import { describe, expect, it } from 'vitest';

import { missedByKeyboard, NARROW, overflow, seriousIssues, visit, WIDE } from './browser';
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
