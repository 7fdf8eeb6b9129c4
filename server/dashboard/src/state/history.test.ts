import { describe, expect, it } from 'vitest';

import type { Timeseries } from '../../generated/schema';
import { append, EMPTY, hasGap, sum } from './history';

function points(times: number[], nodes: Record<number, Record<string, (number | null)[]>>) {
  return {
    cluster_id: 'test',
    node: 1,
    time_ms: 0,
    unreachable: [],
    interval_ms: 1000,
    capacity: 4,
    series: [{ name: 'a', unit: 'count', help: '' }],
    times_ms: times,
    nodes: Object.entries(nodes).map(([node, values]) => ({ node: Number(node), values })),
  } satisfies Timeseries;
}

describe('history', () => {
  it('appends points, and skips those it has', () => {
    let history = append(EMPTY, points([1000, 2000], { 1: { a: [1, 2] } }));
    history = append(history, points([2000, 3000], { 1: { a: [2, 3] } }));
    expect(history.times_ms).toEqual([1000, 2000, 3000]);
    expect(history.nodes.get(1)?.a).toEqual([1, 2, 3]);
    expect(append(history, points([3000], { 1: { a: [9] } })).nodes.get(1)?.a).toEqual([1, 2, 3]);
  });

  it('keeps no more than the capacity', () => {
    let history = EMPTY;
    for (let at = 1; at <= 10; at++) history = append(history, points([at], { 1: { a: [at] } }));
    expect(history.times_ms).toEqual([7, 8, 9, 10]);
    expect(history.nodes.get(1)?.a).toEqual([7, 8, 9, 10]);
  });

  it('shows a node that came later, or fell silent, as unknown meanwhile', () => {
    let history = append(EMPTY, points([1000], { 1: { a: [1] } }));
    history = append(history, points([2000], { 2: { a: [5] } }));
    expect(history.nodes.get(1)?.a).toEqual([1, null]);
    expect(history.nodes.get(2)?.a).toEqual([null, 5]);
    expect(sum(history, 'a')).toEqual([1, 5]);
    expect(sum(history, 'b')).toEqual([null, null]);
  });

  it('starts anew when the clock was set back', () => {
    const before = append(EMPTY, points([5000, 6000], { 1: { a: [5, 6] }, 2: { a: [7, 8] } }));
    let history = append(before, points([2000], { 1: { a: [1] } }));
    history = append(history, points([3000], { 1: { a: [2] } }));
    expect(history.times_ms).toEqual([2000, 3000]);
    expect([...history.nodes]).toEqual([[1, { a: [1, 2] }]]);
  });

  it('notices missing seconds', () => {
    const history = append(EMPTY, points([1000], { 1: { a: [1] } }));
    expect(hasGap(history, points([2010], { 1: { a: [2] } }))).toBe(false);
    expect(hasGap(history, points([4000], { 1: { a: [2] } }))).toBe(true);
    expect(hasGap(EMPTY, points([4000], { 1: { a: [2] } }))).toBe(false);
  });
});
