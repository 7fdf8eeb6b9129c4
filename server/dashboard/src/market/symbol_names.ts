// Finding symbols by name where the node does not list them all at once: /api/symbols gives 1,000
// of up to 100,000, in the order of their names, from any name on.

import type { Symbol } from '../../generated/schema';

// Names are 1 to 16 of the characters from ! to ~, in the order of their codes.
const FIRST = '!'.charCodeAt(0);
const LAST = '~';
const LONGEST = 16;

// What every name that begins with `start` comes after, and no name between that and `start` does:
// the `after` with which the node lists `start` first, if there is such a symbol.
export function justBefore(start: string): string {
  const last = start.charCodeAt(start.length - 1);
  const head = start.slice(0, -1);
  if (!(last > FIRST)) return head;
  return head + String.fromCharCode(last - 1) + LAST.repeat(LONGEST);
}

// Those of `listed` whose name has `find` in it, and those of `asked`, which the node listed from
// `find` on, whose name begins with it; by name, each once.
export function matching(
  listed: readonly Symbol[],
  asked: readonly Symbol[],
  find: string,
): readonly Symbol[] {
  const wanted = find.toUpperCase();
  const found = new Map<string, Symbol>();
  for (const one of listed)
    if (one.symbol.toUpperCase().includes(wanted)) found.set(one.symbol, one);
  for (const one of asked) if (one.symbol.startsWith(find)) found.set(one.symbol, one);
  return [...found.values()].sort((a, b) => (a.symbol < b.symbol ? -1 : 1));
}
