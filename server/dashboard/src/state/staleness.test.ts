import { afterEach, describe, expect, it } from 'vitest';

import { arrived, bookWaitsSince, marketRefusals, now } from './freshness';
import { staleness } from './staleness';

describe('what is shown', () => {
  afterEach(() => {
    marketRefusals.value = [];
    bookWaitsSince.value = null;
  });

  it('is not live while the node refuses a channel of the market', () => {
    now.value = arrived.value = 20_000;
    expect(staleness.value).toBeNull();
    const reason = "there is no symbol 'X' (GET /api/symbols)";
    marketRefusals.value = [
      { channel: 'book', reason },
      { channel: 'trades', reason },
    ];
    expect(staleness.value?.title).toBe('Market not live');
    expect(staleness.value?.why).toContain(`(book, trades): ${reason}.`);
    marketRefusals.value = [{ channel: 'candles', reason }];
    expect(staleness.value?.why).toContain('(candles)');
    marketRefusals.value = [];
    expect(staleness.value).toBeNull();
  });

  it('is not live as a whole before it is asked what of the market is not', () => {
    arrived.value = 20_000;
    now.value = 24_000;
    marketRefusals.value = [{ channel: 'book', reason: 'no' }];
    expect(staleness.value?.why).not.toContain('book');
    arrived.value = 24_000;
    bookWaitsSince.value = 20_000;
    expect(staleness.value?.why).toContain('WebSockets');
  });
});
