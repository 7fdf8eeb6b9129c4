import { describe, expect, it } from 'vitest';

import { bytes, count, percent, rate, seconds, short, UNKNOWN, valueIn } from './numbers';

describe('figures', () => {
  it('tells unknown from zero', () => {
    for (const show of [count, short, bytes, seconds, percent]) {
      expect(show(undefined)).toBe(UNKNOWN);
      expect(show(null)).toBe(UNKNOWN);
      expect(show(Number.NaN)).toBe(UNKNOWN);
      expect(show(0)).toMatch(/^0/);
    }
    expect(rate(undefined, 'orders')).toBe(UNKNOWN);
  });

  it('shortens large counts and keeps small ones whole', () => {
    expect(short(9999)).toBe('9,999');
    expect(short(185_000)).toBe('185 k');
    expect(short(1_234_567)).toBe('1.23 M');
    expect(short(0.5)).toBe('0.50');
    expect(rate(12_345, 'orders')).toBe('12.3 k orders/s');
  });

  it('gives durations the unit that fits', () => {
    expect(seconds(0.000_742)).toBe('742 µs');
    expect(seconds(0.0123)).toBe('12.3 ms');
    expect(seconds(2.5)).toBe('2.50 s');
    expect(seconds(600)).toBe('10 min');
    expect(seconds(4 * 3600 + 300)).toBe('4 h 5 min');
    expect(seconds(3 * 86_400 + 7200)).toBe('3 d 2 h');
  });

  it('understands the units of the API', () => {
    expect(valueIn('seconds', 0.1)).toBe('100 ms');
    expect(valueIn('ratio', 0.05)).toBe('5.00 %');
    expect(valueIn('bytes', 2048)).toBe('2.00 KiB');
    expect(valueIn('per_second', 3)).toBe('3 per second');
    expect([0, 1, 2].map((value) => valueIn('nodes', value))).toEqual([
      '0 nodes',
      '1 node',
      '2 nodes',
    ]);
    expect(valueIn('entries', 1)).toBe('1 entry');
  });

  it('gives sizes in powers of 1024', () => {
    expect(bytes(1023)).toBe('1023 B');
    expect(bytes(64 * 2 ** 20)).toBe('64.0 MiB');
  });
});
