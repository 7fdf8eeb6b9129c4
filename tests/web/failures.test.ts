// What the page says when nodes die: another one, and the one that serves it.

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { launch, open, visit } from './browser';
import { Cluster } from './cluster';
import { makeMarket, SYMBOL } from './market';

const cluster = new Cluster();
let browser: Browser;

beforeAll(async () => {
  await cluster.up();
  await makeMarket(cluster);
  browser = await launch();
});
afterAll(async () => {
  await browser?.close();
  await cluster.down();
});

it('a node that is killed is seen as down, and as ready again after its start', async () => {
  const dead = await cluster.leader();
  const other = dead === 1 ? 2 : 1;
  const { page, wrong } = await open(browser, cluster.url(other));
  await page.getByRole('heading', { name: /^Healthy/ }).waitFor();
  await cluster.kill(dead);
  await page.getByRole('heading', { name: /^Degraded/ }).waitFor();
  const row = page.locator('main tr', { has: page.locator(`th:text-matches("^${dead}\\\\b")`) });
  await row.getByText('down').waitFor();
  await page
    .getByText(/leads shard 1 in term/)
    .first()
    .waitFor();
  expect(await cluster.leader()).not.toBe(dead);
  await cluster.start(dead);
  await row.getByText('ready').waitFor();
  await page.getByRole('heading', { name: /^Healthy/ }).waitFor();
  expect(await page.getByText('Not live').count()).toBe(0);
  expect(wrong).toEqual([]);
  await page.context().close();
});

it('when its own node dies the page says so, and goes on when it is back', async () => {
  const { page } = await open(browser, cluster.url(3));
  await visit(page, `/market?symbol=${SYMBOL}`);
  const bid = page.locator('.ladder tr', { hasText: '9.98' });
  await bid.waitFor();
  await cluster.kill(3);
  const banner = page.locator('.stale .banner');
  await banner.getByText('does not answer').waitFor();
  await banner.getByRole('link', { name: 'node 1' }).waitFor();
  await cluster.qb('order', 'submit', SYMBOL, 'buy', '5', '9.95');
  await cluster.start(3);
  await banner.waitFor({ state: 'detached' });
  // The book is subscribed to again: it has what happened meanwhile, and what happens next.
  await page.locator('.ladder tr', { hasText: '9.95' }).waitFor();
  await cluster.qb('order', 'submit', SYMBOL, 'buy', '6', '9.94');
  await page.locator('.ladder tr', { hasText: '9.94' }).waitFor();
  await page.context().close();
});
