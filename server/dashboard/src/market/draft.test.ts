import { webcrypto } from 'node:crypto';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

import { accountProblem, EMPTY_DRAFT, forAnotherSymbol, numbered, orderOf } from './draft';

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
    const bounded = { ...draft, type: 'market', protection: ' 0.05' } as const;
    expect(orderOf('DEMO', bounded)).toMatchObject({ type: 'market', protection: '0.05' });
    expect(orderOf('DEMO', { ...bounded, type: 'limit' })).not.toHaveProperty('protection');
  });

  it('takes no price and no distance between prices to another symbol', () => {
    const typed = { ...draft, side: 'sell', type: 'market', protection: '0.05' } as const;
    const other = forAnotherSymbol(typed);
    expect(other).toEqual({ ...typed, price: '', protection: '' });
    expect(orderOf('OTHER', other)).not.toHaveProperty('protection');
  });
});

describe('an account', () => {
  it('is taken when it is sent as it was typed', () => {
    for (const account of ['1', '42', '9007199254740991']) {
      expect(accountProblem(account)).toBe('');
      expect(String(orderOf('DEMO', { ...EMPTY_DRAFT, account }).account)).toBe(account);
    }
    // Of the last two, JavaScript makes ...992 and 1e25.
    const wrong = ['', '0', '01', '-1', '1.5', '1e3', ' 1', '9007199254740993', '1'.repeat(25)];
    for (const account of wrong) expect(accountProblem(account)).toContain('from 1 to');
  });
});

describe('the number of an order', () => {
  const order = orderOf('DEMO', { ...EMPTY_DRAFT, quantity: '10', price: '9.99' });
  const other = orderOf('DEMO', { ...EMPTY_DRAFT, quantity: '11', price: '9.99' });

  it('stays until an answer came or the draft changed', () => {
    const first = numbered(order, null, () => '7');
    expect(first).toEqual({ ...order, client_order_id: '7' });
    expect(numbered({ ...order }, first, () => '8')).toEqual(first);
    expect(numbered(other, first, () => '8').client_order_id).toBe('8');
    expect(numbered(order, null, () => '9').client_order_id).toBe('9');
  });

  it('is drawn from what the node takes', () => {
    vi.stubGlobal('crypto', webcrypto); // browsers have it, Node.js 18 has not
    onTestFinished(() => void vi.unstubAllGlobals());
    const drawn = new Set<string>();
    for (let round = 0; round < 200; round++) {
      const { client_order_id } = numbered(order, null);
      expect(client_order_id).toMatch(/^[1-9][0-9]*$/);
      expect(Number(client_order_id)).toBeLessThanOrEqual(2 ** 53);
      drawn.add(client_order_id);
    }
    expect(drawn.size).toBe(200);
  });
});
