// A small market to look at: a symbol with a book of several prices on both sides and some trades.

import type { Cluster } from './cluster';

export const SYMBOL = 'DEMO';

const RESTING = [
  ['sell', '100', '10.05'],
  ['sell', '60', '10.03'],
  ['sell', '80', '10.02'],
  ['buy', '40', '9.96'],
  ['buy', '120', '9.98'],
  ['buy', '80', '9.99'],
] as const;

export async function makeMarket(cluster: Cluster): Promise<void> {
  await cluster.qb('symbol', 'add', SYMBOL, '--tick-size', '0.01', '--lot-size', '1');
  for (const [side, quantity, price] of RESTING) {
    await cluster.qb('order', 'submit', SYMBOL, side, quantity, price);
  }
  await cluster.qb('order', 'submit', SYMBOL, 'buy', '30', '10.02');
  await cluster.qb('order', 'submit', SYMBOL, 'sell', '20', '9.99');
}

// A market that moves, of two assets: a maker quotes both sides around a price that walks at
// random, a taker takes from it, both over HTTP. Begins at once and goes on until `done` says so.
export const MOVING = 'DEMO-USD';

export async function moveMarket(cluster: Cluster, done: () => boolean): Promise<void> {
  await cluster.qb('asset', 'add', 'DEMO', '--decimals', '0');
  await cluster.qb('asset', 'add', 'USD', '--decimals', '2');
  const assets = ['--base', 'DEMO', '--quote', 'USD'];
  await cluster.qb('symbol', 'add', MOVING, '--tick-size', '0.01', '--lot-size', '1', ...assets);
  await cluster.qb('symbol', 'rules', MOVING, '--protection', '1.00'); // of market orders
  for (const account of [MAKER, TAKER]) {
    for (const asset of ['DEMO', 'USD']) {
      await cluster.qb('--account', String(account), 'account', 'deposit', asset, '10000000');
    }
  }
  const quotes: string[] = [];
  let cents = 6000;
  while (!done()) {
    cents += Math.round((Math.random() - 0.5) * 7);
    for (const side of ['buy', 'sell'] as const) {
      const away = 1 + Math.floor(Math.random() ** 2 * 40);
      const price = ((side === 'buy' ? cents - away : cents + away) / 100).toFixed(2);
      const quantity = String(10 + away * 3 + Math.floor(Math.random() * 90));
      const id = await enter(cluster, { account: MAKER, side, quantity, price });
      if (id) quotes.push(id);
    }
    while (quotes.length > QUOTES) {
      const query = `symbol=${MOVING}&account=${MAKER}&client_order_id=${quotes.shift()}`;
      await call(cluster, 'DELETE', `/api/orders?${query}`);
    }
    const side = Math.random() < 0.5 ? 'buy' : 'sell';
    const quantity = String(1 + Math.floor(Math.random() * 60));
    await enter(cluster, { account: TAKER, side, quantity, type: 'market' });
    await new Promise((next) => setTimeout(next, 200));
  }
}

const MAKER = 101;
const TAKER = 102;
const QUOTES = 90;

// Returns the order's number, if it was accepted: a maker's quote may find no balance, a taker none
// to trade with.
async function enter(cluster: Cluster, order: object): Promise<string | undefined> {
  const answer = await call(cluster, 'POST', '/api/orders', { symbol: MOVING, ...order });
  return (answer as { client_order_id?: string }).client_order_id;
}

async function call(cluster: Cluster, method: string, path: string, body?: object) {
  const response = await fetch(`${cluster.url(1)}${path}`, {
    method,
    headers: { authorization: `Bearer ${cluster.token()}`, 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return (await response.json()) as unknown;
}
