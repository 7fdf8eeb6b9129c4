// What changes on the cluster changes on the page, without a reload; and what is done on the page
// is done on the cluster.

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { launch, open, unlock, visit, type Watched } from './browser';
import { Cluster } from './cluster';
import { makeMarket, SYMBOL } from './market';

const cluster = new Cluster();
let browser: Browser;
let watched: Watched;
let page: Page;

beforeAll(async () => {
  await cluster.up();
  await makeMarket(cluster);
  browser = await launch();
  watched = await open(browser, cluster.url(2));
  ({ page } = watched);
});
afterAll(async () => {
  await browser?.close();
  await cluster.down();
});
beforeEach(() => visit(page, `/market?symbol=${SYMBOL}`));

const ladderRow = (price: string) => page.locator('.ladder tr', { hasText: price });
const tapeRow = (text: string | RegExp) => page.locator('.tape tbody tr', { hasText: text });

describe('the market', () => {
  it('shows an order that somebody else enters', async () => {
    await ladderRow('9.99').waitFor();
    expect(await ladderRow('9.97').count()).toBe(0);
    await cluster.qb('order', 'submit', SYMBOL, 'buy', '77', '9.97');
    await ladderRow('9.97').getByText('77').waitFor();
  });

  it('shows a trade, and what it left of the book', async () => {
    await ladderRow('10.03').getByText('60').waitFor();
    await cluster.qb('order', 'submit', SYMBOL, 'buy', '65', '10.03');
    await tapeRow(/buy10\.0315$/).waitFor(); // 50 at 10.02 first, then 15
    await ladderRow('10.03').getByText('45').waitFor();
    expect(await ladderRow('10.02').count()).toBe(0);
    await page.locator('.candles canvas').first().waitFor();
  });

  it('lets nobody trade without a token', async () => {
    await page.getByText('Traders can enter orders here').waitFor();
    expect(await page.getByLabel(/^Quantity/).count()).toBe(0);
  });
});

describe('who has the token', () => {
  beforeAll(() => unlock(page, cluster.token()));

  const enter = async (side: 'Buy' | 'Sell', quantity: string, price: string) => {
    await page.getByRole('group', { name: 'Side' }).getByRole('button', { name: side }).click();
    await page.getByLabel(/^Quantity/).fill(quantity);
    await page.getByLabel(/^Price/).fill(price);
    await page.locator('.ticket button[type=submit]').click();
  };

  it('enters an order and cancels it', async () => {
    await enter('Buy', '33', '9.90');
    const entered = page.getByRole('list', { name: 'Orders entered here' });
    await entered.getByText(/new, 0 done, 33 open/).waitFor();
    await ladderRow('9.90').getByText('33').waitFor();
    await entered.getByRole('button', { name: 'Cancel' }).click();
    await entered.getByText(/canceled, 0 done/).waitFor();
    await ladderRow('9.90').waitFor({ state: 'detached' });
  });

  it('takes a price over from the book', async () => {
    await page.getByRole('button', { name: /^bid 9\.98/ }).click();
    expect(await page.getByLabel(/^Price/).inputValue()).toBe('9.98');
  });

  it('hears why an order is refused, and what to do', async () => {
    await enter('Buy', '1', '9.905');
    await page.getByRole('alert').waitFor();
    expect(await page.getByRole('alert').textContent()).toMatch(/price/);
  });

  it('hands a leadership over', async () => {
    const leader = await cluster.leader();
    const target = leader === 3 ? 1 : 3;
    await visit(page, '/shards?shard=1');
    await page.getByRole('button', { name: `node ${target}` }).click();
    await page.getByText(`Node ${target} leads shard 1.`).waitFor();
    expect(await cluster.leader()).toBe(target);
    await page.locator('tr', { hasText: 'Shard 1' }).getByText(`node ${target}`).waitFor();
  });
});

it('nothing else went wrong meanwhile', () => {
  // The browser itself notes the answer with which the bad order was refused.
  const expected = /status of 4(00|22)/;
  expect(watched.wrong.filter((text) => !expected.test(text))).toEqual([]);
});
