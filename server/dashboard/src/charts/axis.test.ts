import type uPlot from 'uplot';
import { describe, expect, it, vi } from 'vitest';

import { bytes, seconds } from '../format/numbers';
import { timeAxis, valueAxis } from './axis';

vi.mock('../state/theme', () => ({ colour: (name: string) => name }));

// What stands beside the grid lines at `ticks`, which are `step` apart.
function texts(axis: uPlot.Axis, ticks: readonly number[], step: number): unknown {
  if (typeof axis.values !== 'function') throw new Error('no texts');
  return axis.values({} as uPlot, [...ticks], 0, 0, step);
}

describe('an axis', () => {
  it('of time says in which zone its times are', () => {
    const axis = timeAxis();
    const names = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' }).format();
    const [, zone] = /^time, (\S+)$/.exec(axis.label as string)!;
    expect(names).toContain(zone);
    const minute = new Date(2026, 10, 22, 14, 3).getTime() / 1000; // of the same zone
    expect(texts(axis, [minute, minute + 60], 60)).toEqual(['14:03', '14:04']);
    expect(texts(axis, [minute, minute + 30], 30)).toEqual(['14:03:00', '14:03:30']);
  });

  it('of values has the unit as its label, or with each value', () => {
    expect(valueAxis('per second', String).label).toBe('per second');
    const time = valueAxis('time', seconds);
    expect(time.label).toBe('time');
    expect(texts(time, [0.01, 0.0025, 2], 0.01)).toEqual(['10 ms', '2.5 ms', '2 s']);
    const size = valueAxis('size', bytes, true);
    expect(texts(size, [2 ** 20, 1.5 * 2 ** 30], 1)).toEqual(['1 MiB', '1.5 GiB']);
    for (const step of size.incrs as number[]) expect(Math.log2(step) % 1).toBe(0);
  });
});
