// What changes on the cluster changes on the page, without a reload; and what is done on the page
// is done on the cluster.

import type { Page } from 'playwright-core';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { seriousIssuesInBothThemes, unlock, visit, type Watched } from './browser';
import { OPERATOR_TOKEN } from './cluster';
import { fixture } from './fixture';
import { SYMBOL } from './market';

const { cluster, openNode } = fixture();

interface CandlesUpdate {
  channel: string;
  sequence: number;
  candles: readonly { start_ms: number }[];
}
let watched: Watched;
let page: Page;

beforeAll(async () => {
  watched = await openNode(2);
  ({ page } = watched);
});
beforeEach(() => visit(page, `/market?symbol=${SYMBOL}`));

const ladderRow = (price: string) => page.locator('.ladder :is(.bid, .ask)', { hasText: price });
// A row of the book with that price and quantity.
const level = (price: string, quantity: string) =>
  ladderRow(price).filter({
    has: page.locator('td:nth-child(3)', { hasText: new RegExp(`^${quantity}$`) }),
  });
const tapeRow = (text: string | RegExp) => page.locator('.tape tbody tr', { hasText: text });

describe('the market', () => {
  it('shows an order that somebody else enters', async () => {
    await ladderRow('9.99').waitFor();
    expect(await ladderRow('9.97').count()).toBe(0);
    await cluster.qb('order', 'submit', SYMBOL, 'buy', '77', '9.97');
    await level('9.97', '77').waitFor();
  });

  it('shows a trade, and what it left of the book', async () => {
    await level('10.03', '60').waitFor();
    await cluster.qb('order', 'submit', SYMBOL, 'buy', '65', '10.03');
    await tapeRow(/buy10\.0315$/).waitFor(); // 50 at 10.02 first, then 15
    await level('10.03', '45').waitFor();
    expect(await ladderRow('10.02').count()).toBe(0);
    await page.locator('.candles canvas').first().waitFor();
  });

  it('says what a price of the depth and a candle stand for', async () => {
    const depth = page.locator('.depth-panel .u-over');
    const { width, height } = (await depth.boundingBox())!;
    await depth.hover({ position: { x: width - 2, y: height / 2 } });
    await page
      .locator('.depth-panel')
      .getByText(/^\d+ offered at 10\.\d\d or less$/)
      .waitFor();
    await depth.hover({ position: { x: 2, y: height / 2 } });
    await page
      .locator('.depth-panel')
      .getByText(/^297 bid at 9\.96 or more$/)
      .waitFor();
    await page
      .locator('.candles-panel .legend')
      .getByText(/^open \d/)
      .waitFor();
  });

  it('draws a new candle into the chart that is there, as the reader zoomed it', async () => {
    const { page: own } = await openNode(1);
    // A candle of a minute that has not come yet, after those of the node.
    let addCandle = () => {};
    await own.routeWebSocket(/\/api\/ws$/, (socket) => {
      socket.connectToServer().onMessage((message) => {
        socket.send(message);
        const update = JSON.parse(String(message)) as CandlesUpdate;
        if (update.channel !== 'candles') return;
        const latest = update.candles.at(-1)!;
        const next = { ...latest, start_ms: latest.start_ms + 60_000 };
        const sequence = update.sequence + 1;
        const added = { ...update, sequence, snapshot: false, candles: [next] };
        addCandle = () => socket.send(JSON.stringify(added));
      });
    });
    await own.reload(); // for what was set up just now to take hold
    await visit(own, `/market?symbol=${SYMBOL}`);
    const chart = own.locator('.candles [role=img]');
    const count = async () => Number.parseInt((await chart.getAttribute('aria-label'))!, 10);
    const drawn = own.locator('.candles canvas').first();
    await drawn.waitFor();
    const canvas = await drawn.elementHandle();
    const before = await count();
    addCandle();
    await expect.poll(count).toBe(before + 1);
    expect(await canvas!.evaluate((element) => element.isConnected)).toBe(true);
    await own.context().close();
  });

  it('shows what an auction would trade now', async () => {
    const steps = ['--tick-size', '0.01', '--lot-size', '1'];
    await cluster.qb('symbol', 'add', 'AUCTION', ...steps, '--phase', 'opening-auction');
    await cluster.qb('order', 'submit', 'AUCTION', 'buy', '30', '10.05');
    await cluster.qb('order', 'submit', 'AUCTION', 'sell', '20', '10.05');
    await visit(page, '/market?symbol=AUCTION');
    await page.locator('.headline').getByText('20 at 10.05').waitFor();
    await page.locator('.ladder').getByText('0.00').waitFor(); // the spread
  });

  it('finds a symbol beyond those that the node lists at once, and shows its units', async () => {
    // The list as if DEMO were beyond its end. What is asked for by name comes from the node.
    await page.route(/\/api\/symbols$/, async (route) => {
      const response = await route.fetch();
      const answer = (await response.json()) as { symbols: { symbol: string }[]; next: unknown };
      const first = { ...answer.symbols[0], symbol: 'AAA', quote: 'USD', base: 'BTC' };
      await route.fulfill({ response, json: { ...answer, symbols: [first], next: 'AAA' } });
    });
    await page.reload();
    await ladderRow('9.98').waitFor();
    await page.getByRole('searchbox', { name: 'Find a symbol' }).fill('DEM');
    await page.getByRole('link', { name: SYMBOL, exact: true }).waitFor();
    expect(await page.getByText('There is no symbol').count()).toBe(0);
    await visit(page, '/market?symbol=NONE');
    await page.getByText('There is no symbol NONE.').waitFor();
    await page.unroute(/\/api\/symbols$/);
    // A symbol of assets has its units on the axes.
    await page.route(/\/api\/symbols$/, async (route) => {
      const response = await route.fetch();
      const answer = (await response.json()) as { symbols: object[] };
      const symbols = answer.symbols.map((one) => ({ ...one, quote: 'USD', base: 'BTC' }));
      await route.fulfill({ response, json: { ...answer, symbols } });
    });
    await visit(page, `/market?symbol=${SYMBOL}`);
    await page.locator('.candles').getByText('price, USD').waitFor();
    await page.locator('.candles').getByText('volume, BTC').waitFor();
    await page.unroute(/\/api\/symbols$/);
  });

  it('lets nobody trade without a token', async () => {
    await page.getByText('Traders can enter orders here').waitFor();
    expect(await page.getByLabel(/^Quantity/).count()).toBe(0);
  });
});

describe('who has the token', () => {
  beforeAll(async () => {
    await page.getByRole('button', { name: 'Unlock changes' }).click();
    expect(await seriousIssuesInBothThemes(page)).toEqual([]);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await unlock(page, cluster.token());
  });

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
    await level('9.90', '33').waitFor();
    expect(await seriousIssuesInBothThemes(page)).toEqual([]);
    await entered.getByRole('button', { name: 'Cancel' }).click();
    await entered.getByText(/canceled, 0 done/).waitFor();
    await ladderRow('9.90').waitFor({ state: 'detached' });
  });

  it('takes a price over from the book', async () => {
    await page.getByRole('button', { name: /^bid 9\.98/ }).click();
    expect(await page.getByLabel(/^Price/).inputValue()).toBe('9.98');
  });

  it('takes neither a price nor a protection to another symbol', async () => {
    await page.getByLabel(/^Price/).fill('9.98');
    const type = page.getByRole('group', { name: 'Type' });
    await type.getByRole('button', { name: 'Market' }).click();
    await page.getByLabel(/^At most so far/).fill('0.05');
    await page.locator('.symbols').getByRole('link', { name: 'AUCTION' }).click();
    await page.getByRole('heading', { name: 'Order in AUCTION' }).waitFor();
    await expect.poll(() => page.getByLabel(/^At most so far/).inputValue()).toBe('');
    await type.getByRole('button', { name: 'Limit' }).click();
    expect(await page.getByLabel(/^Price/).inputValue()).toBe('');
  });

  it('hears why an order is refused, and what to do', async () => {
    await enter('Buy', '1', '9.905');
    await page.getByRole('alert').waitFor();
    expect(await page.getByRole('alert').textContent()).toMatch(/price/);
    expect(await seriousIssuesInBothThemes(page)).toEqual([]);
  });

  it('enters an order once when the answer was lost and it is sent again', async () => {
    let lost = 0;
    await page.route('**/api/orders', async (route) => {
      lost += 1;
      await route.fetch();
      await route.abort();
    });
    await enter('Buy', '44', '9.89');
    await page.getByText(/^Whether order \d+ was entered is not known/).waitFor();
    await level('9.89', '44').waitFor();
    await page.unroute('**/api/orders');
    await page.locator('.ticket button[type=submit]').click();
    const entered = page.getByRole('list', { name: 'Orders entered here' });
    await entered.getByText(/new, 0 done, 44 open/).waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
    expect(lost).toBe(1);
    const answer = await fetch(`${cluster.url(1)}/api/orders?account=1&symbol=${SYMBOL}`, {
      headers: { authorization: `Bearer ${cluster.token()}` },
    });
    const { orders } = (await answer.json()) as { orders: { price: string }[] };
    expect(orders.filter(({ price }) => price === '9.89')).toHaveLength(1);
  });

  it('hands a leadership over', async () => {
    const leader = await cluster.leader();
    const target = leader === 3 ? 1 : 3;
    await visit(page, '/shards?shard=1');
    await page.getByRole('button', { name: `node ${target}` }).waitFor();
    expect(await seriousIssuesInBothThemes(page)).toEqual([]);
    // A trader's token: it is refused, and the page says which one is wanted.
    await page.getByRole('button', { name: `node ${target}` }).click();
    const refused = page.getByRole('alert');
    await refused.getByText('this is for operators, and the token is that of traders').waitFor();
    await refused.getByText(/^send http.operator_token of/).waitFor();
    expect(await cluster.leader()).toBe(leader);
    await unlock(page, OPERATOR_TOKEN);
    await page.getByRole('button', { name: `node ${target}` }).click();
    await page.getByText(`Node ${target} leads shard 1.`).waitFor();
    expect(await cluster.leader()).toBe(target);
    await page.locator('tr', { hasText: 'Shard 1' }).getByText(`node ${target}`).waitFor();
    await visit(page, '/raft');
    const elections = page.getByRole('region', { name: 'Elections, latest first' });
    const latest = elections.locator('tbody tr').first();
    await latest.getByText(`node ${target}`, { exact: true }).waitFor();
    expect(await latest.textContent()).toMatch(/\d{4}, \d\d:\d\d:\d\d \S+1node \d/); // of shard 1
  });
});

it('nothing else went wrong meanwhile', () => {
  // The browser itself notes the answer that was lost, and those with which orders were refused.
  const expected = /status of 4(00|03|22)|ERR_FAILED/;
  expect(watched.wrong.filter((text) => !expected.test(text))).toEqual([]);
});
