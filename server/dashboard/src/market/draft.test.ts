import { describe, expect, it } from 'vitest';

import { EMPTY_DRAFT, orderOf } from './draft';

describe('an order', () => {
  const draft = { ...EMPTY_DRAFT, quantity: ' 10 ', price: '9.99 ' };

  it('is sent as it was typed, without white space', () => {
    expect(orderOf('DEMO', draft)).toEqual({
      symbol: 'DEMO',
      account: 1,
      side: 'buy',
      type: 'limit',
      time_in_force: 'gtc',
      quantity: '10',
      price: '9.99',
    });
  });

  it('has neither price nor time when it takes what there is', () => {
    const order = orderOf('DEMO', { ...draft, type: 'market', side: 'sell' });
    expect(order).toEqual({
      symbol: 'DEMO',
      account: 1,
      side: 'sell',
      type: 'market',
      quantity: '10',
    });
  });
});
