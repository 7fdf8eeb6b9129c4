import { describe, expect, it } from 'vitest';

import { add, canonical, compare, decimals, grouped, isZero, padded, subtract } from './decimal';

describe('decimal numbers in strings', () => {
  it('are exact where floating point is not', () => {
    expect(add('0.1', '0.2')).toBe('0.3');
    expect(subtract('10.02', '9.99')).toBe('0.03');
    expect(subtract('9.99', '10.02')).toBe('-0.03');
    expect(compare('9007199254740993', '9007199254740992')).toBeGreaterThan(0);
  });

  it('are ordered by value, not as text', () => {
    expect(['10', '9.5', '100', '-3'].sort(compare)).toEqual(['-3', '9.5', '10', '100']);
    expect(compare('10.50', '10.5')).toBe(0);
  });

  it('have one spelling', () => {
    expect(canonical('10.50')).toBe('10.5');
    expect(canonical('10.00')).toBe('10');
    expect(canonical('100')).toBe('100');
    expect(padded('10.5', 2)).toBe('10.50');
    expect(padded('10', 0)).toBe('10');
    expect(grouped('1234567.5678')).toBe('1,234,567.5678');
    expect(grouped('-123')).toBe('-123');
    expect(decimals('0.0100')).toBe(2);
    expect(isZero('0.00')).toBe(true);
    expect(isZero('0.01')).toBe(false);
  });

  it('are refused when they are none', () => {
    for (const text of ['', 'x', '1e5', '1.', '.5', '1,000'])
      expect(() => compare(text, '1')).toThrow();
  });
});
