// The price of the last trade, with a sign for where it moved; the colour repeats the sign.

import { padded } from '../format/decimal';
import { UNKNOWN } from '../format/numbers';
import type { LastMove } from '../state/book';

const SIGNS: Record<LastMove['move'], string> = { up: '▲', down: '▼', none: '' };
const TINTS: Record<LastMove['move'], string> = { up: 'buy-text', down: 'sell-text', none: '' };
const WORDS: Record<LastMove['move'], string> = { up: ' up', down: ' down', none: '' };

export function LastPrice({ last, digits }: { last: LastMove | null; digits: number }) {
  if (last === null) return <>{UNKNOWN}</>;
  return (
    <b class={`last-price ${TINTS[last.move]}`}>
      {padded(last.price, digits)}
      <span aria-hidden="true">{SIGNS[last.move]}</span>
      <span class="hidden-visually">{WORDS[last.move]}</span>
    </b>
  );
}
