// The last minutes of every series of every node, as the stream's points add to them.

import type { Timeseries } from '../../generated/schema';

type Values = Readonly<Record<string, readonly (number | null)[]>>;

export interface History {
  interval_ms: number;
  capacity: number;
  times_ms: readonly number[]; // ascending
  nodes: ReadonlyMap<number, Values>;
  units: ReadonlyMap<string, string>;
}

export const EMPTY: History = {
  interval_ms: 1000,
  capacity: 300,
  times_ms: [],
  nodes: new Map(),
  units: new Map(),
};

// `next` appended to `known`: points that are there already are skipped, the oldest beyond the
// capacity dropped, and a series or node that did not exist before is null until then. When all of
// `next` is older than what is known, the node's clock was set back, and the history starts anew.
export function append(known: History, next: Timeseries): History {
  const newest = next.times_ms.at(-1);
  const setBack = newest !== undefined && newest < (known.times_ms.at(-1) ?? -Infinity);
  const history = setBack ? EMPTY : known;
  const last = history.times_ms.at(-1) ?? -Infinity;
  const from = next.times_ms.findIndex((time) => time > last);
  const fresh = from < 0 ? [] : next.times_ms.slice(from);
  const times = [...history.times_ms, ...fresh];
  const dropped = Math.max(0, times.length - next.capacity);
  const nodes = new Map<number, Values>();
  const arriving = new Map(next.nodes.map(({ node, values }) => [node, values as Values]));
  for (const node of new Set([...history.nodes.keys(), ...arriving.keys()])) {
    nodes.set(node, merged(history, node, arriving.get(node) ?? {}, from, fresh.length, dropped));
  }
  return {
    interval_ms: next.interval_ms,
    capacity: next.capacity,
    times_ms: times.slice(dropped),
    nodes,
    units: new Map(next.series.map(({ name, unit }) => [name, unit])),
  };
}

function merged(
  history: History,
  node: number,
  next: Values,
  from: number,
  added: number,
  dropped: number,
): Values {
  const before = history.nodes.get(node) ?? {};
  const result: Record<string, readonly (number | null)[]> = {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(next)])) {
    const old = before[name] ?? unknown(history.times_ms.length);
    const fresh = added === 0 ? [] : (next[name]?.slice(from) ?? unknown(added));
    result[name] = [...old, ...fresh].slice(dropped);
  }
  return result;
}

function unknown(length: number): null[] {
  return new Array<null>(length).fill(null);
}

// Whether points are missing between what is there and `next`: the stream leaves seconds out when
// this client was slow, or was away.
export function hasGap(history: History, next: Timeseries): boolean {
  const last = history.times_ms.at(-1);
  const first = next.times_ms[0];
  if (last === undefined || first === undefined) return false;
  return first - last > 1.5 * next.interval_ms;
}

// One series, summed over the nodes; null where no node has a value.
export function sum(history: History, name: string): (number | null)[] {
  const all = [...history.nodes.values()].map((values) => values[name]);
  return history.times_ms.map((_, at) => {
    const known = all.map((values) => values?.[at]).filter((value) => typeof value === 'number');
    return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
  });
}
