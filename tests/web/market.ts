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
