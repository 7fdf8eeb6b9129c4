// A symbol's figures, in a line.

import type { ComponentChildren } from 'preact';

import type { Symbol } from '../../generated/schema';
import { decimals, grouped, padded } from '../format/decimal';
import { count, UNKNOWN } from '../format/numbers';
import type { Figure } from '../glossary';
import { useFetched } from '../parts/fetched';
import { Term } from '../parts/term';
import { lastMove, spreadOf, type Book, type LastMove } from '../state/book';
import type { Trade } from '../../generated/schema';
import { LastPrice } from './last_price';
import { signed, tint } from './symbol_list';

interface HeadlineProps {
  symbol: Symbol;
  book: Book;
  trades: readonly Trade[];
}

export function Headline({ symbol, book, trades }: HeadlineProps) {
  const digits = decimals(symbol.tick_size);
  const price = (text: string | null) => (text === null ? UNKNOWN : padded(text, digits));
  const spread = spreadOf(book);
  // The list of symbols is asked for every two seconds; trades come at once.
  const known: LastMove | null = symbol.last === null ? null : { price: symbol.last, move: 'none' };
  const last = lastMove(trades) ?? known;
  return (
    <div class="page-head headline">
      <h1>{symbol.symbol}</h1>
      <dl>
        <Pair figure="last" label="Last">
          <LastPrice last={last} digits={digits} /> {symbol.quote}
        </Pair>
        <Pair figure="change" label="Change">
          <span class={tint(symbol.change_ratio)}>{signed(symbol.change_ratio)}</span>
        </Pair>
        <Pair figure="spread" label="Spread">
          {spread === null ? UNKNOWN : `${spread.basisPoints.toFixed(1)} bps`}
        </Pair>
        <Pair figure="range" label="High, low">
          {price(symbol.high)}, {price(symbol.low)}
        </Pair>
        <Pair figure="vwap" label="VWAP">
          {symbol.vwap === null ? UNKNOWN : Number(symbol.vwap).toFixed(digits + 1)}
        </Pair>
        <Pair figure="volume" label="Volume">
          {grouped(symbol.volume)} {symbol.base} in {count(symbol.trades)} trades
        </Pair>
        <Pair figure="phase" label="Phase">
          {symbol.delisted ? 'delisted' : symbol.phase.replaceAll('_', ' ')}
        </Pair>
        {symbol.phase.endsWith('_auction') && <Auction symbol={symbol} digits={digits} />}
      </dl>
    </div>
  );
}

interface PairProps {
  figure: Figure;
  label: string;
  children: ComponentChildren;
}

function Pair({ figure, label, children }: PairProps) {
  return (
    <div>
      <dt>
        <Term of={figure}>{label}</Term>
      </dt>
      <dd>{children}</dd>
    </div>
  );
}

const AUCTION_EVERY_MS = 1000;

function Auction({ symbol: { symbol, base }, digits }: { symbol: Symbol; digits: number }) {
  const { data } = useFetched('/api/book/{symbol}', { symbol, levels: 1 }, AUCTION_EVERY_MS);
  const auction = data?.auction;
  return (
    <Pair figure="indicative" label="Would trade">
      {!auction || auction.price === null
        ? 'nothing'
        : `${grouped(auction.volume)} ${base ?? ''} at ${padded(auction.price, digits)}`}
    </Pair>
  );
}
