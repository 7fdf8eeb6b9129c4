import { describe, expect, it } from 'vitest';

import { linkTo, parseRoute } from './router';

describe('addresses', () => {
  it('carry the page and what is chosen on it', () => {
    const link = linkTo('market', { symbol: 'A/B & C', interval: '1m', depth: undefined });
    expect(parseRoute(link)).toEqual({
      page: 'market',
      query: { symbol: 'A/B & C', interval: '1m' },
    });
  });

  it('open the overview when they say nothing', () => {
    for (const hash of ['', '#', '#/', '#/?']) expect(parseRoute(hash).page).toBe('overview');
  });
});
