import { describe, expect, it } from 'vitest';

import { symbols } from '../../mock/market';
import { justBefore, matching } from './symbol_names';

describe('finding a symbol', () => {
  const named = (...names: string[]) =>
    names.map((symbol) => ({ ...symbols().symbols[0]!, symbol }));
  const names = (list: readonly { symbol: string }[]) => list.map(({ symbol }) => symbol);

  it('asks the node for what comes after everything before its name', () => {
    const longest = (text: string) => text.padEnd(16, '~');
    for (const [name, before] of [
      ['FOO', ['F', 'FO', longest('FO!'), 'FON', longest('FON')]],
      ['A', ['!', '@', longest('@')]],
      ['A!', ['A']],
      ['!', []],
    ] as const) {
      const after = justBefore(name);
      expect(after < name, name).toBe(true);
      for (const earlier of before) expect(earlier <= after, `${earlier} ${name}`).toBe(true);
    }
    expect(justBefore('')).toBe('');
  });

  it('takes any part of the names that are here, and the beginning of others', () => {
    const listed = named('BTC-EUR', 'BTC-USD', 'ETH-USD');
    expect(names(matching(listed, [], 'usd'))).toEqual(['BTC-USD', 'ETH-USD']);
    const asked = named('USD-CHF', 'USD-JPY', 'XRP-USD');
    expect(names(matching(listed, asked, 'USD'))).toEqual([
      'BTC-USD',
      'ETH-USD',
      'USD-CHF',
      'USD-JPY',
    ]);
  });
});
