import { describe, expect, it } from 'vitest';

import { cumulate } from './depth';

describe('depth', () => {
  it('grows away from the spread on both sides, prices ascending', () => {
    const bids = [
      { price: 9.99, quantity: 10 },
      { price: 9.98, quantity: 5 },
    ];
    const asks = [
      { price: 10.01, quantity: 7 },
      { price: 10.05, quantity: 1 },
    ];
    expect(cumulate(bids, asks)).toEqual({
      prices: [9.98, 9.99, 10.01, 10.05],
      bought: [15, 10, null, null],
      sold: [null, null, 7, 8],
    });
  });

  it('is in order where an auction collects orders that cross', () => {
    const bids = [
      { price: 10.05, quantity: 10 },
      { price: 10.01, quantity: 5 },
    ];
    const asks = [
      { price: 10, quantity: 7 },
      { price: 10.05, quantity: 1 },
    ];
    expect(cumulate(bids, asks)).toEqual({
      prices: [10, 10.01, 10.05],
      bought: [null, 15, 10],
      sold: [7, null, 8],
    });
  });
});
