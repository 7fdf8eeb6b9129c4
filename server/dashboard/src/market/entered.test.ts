import { describe, expect, it } from 'vitest';

import { identity, withResult, type EnteredOrder } from './entered';

function order(symbol: string, order_id: string, status = 'new'): EnteredOrder {
  return {
    symbol,
    account: 1,
    client_order_id: `${symbol}-${order_id}`,
    order_id,
    status,
    leaves_quantity: '1',
    cumulative_quantity: '0',
  };
}

describe('the orders that were entered', () => {
  it('keep those of two shards apart, whose numbers may be the same', () => {
    const both = withResult([order('AMZN', '7')], order('MSFT', '7'));
    expect(both).toEqual([order('MSFT', '7'), order('AMZN', '7')]);
    expect(new Set(both.map(identity)).size).toBe(2);
    const cancelled = order('AMZN', '7', 'canceled');
    expect(withResult(both, cancelled)).toEqual([cancelled, order('MSFT', '7')]);
  });

  it('are the last eight', () => {
    let entered: readonly EnteredOrder[] = [];
    for (let id = 1; id <= 9; id++) entered = withResult(entered, order('AMZN', String(id)));
    expect(entered.map(({ order_id }) => order_id)).toEqual([...'98765432']);
  });
});
