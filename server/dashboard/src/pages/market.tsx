// One symbol's market, live: its figures, candles, depth, book, trades, and a ticket to trade.

import { useSignal } from '@preact/signals';
import type { ComponentChild } from 'preact';
import { useEffect } from 'preact/hooks';

import type { Interval } from '../api/market_messages';
import type { Symbol } from '../../generated/schema';
import { decimals } from '../format/decimal';
import { Candles, Depth } from '../market/charts';
import { EMPTY_DRAFT, forAnotherSymbol } from '../market/draft';
import { Headline } from '../market/headline';
import { Ladder } from '../market/ladder';
import { useLiveMarket, type LiveMarket } from '../market/live_market';
import { SymbolList } from '../market/symbol_list';
import { justBefore } from '../market/symbol_names';
import { Tape } from '../market/tape';
import { Ticket } from '../market/ticket';
import { useFetched } from '../parts/fetched';
import { ProblemNote } from '../parts/problem';
import { route } from '../router';
import { lastMove } from '../state/book';

const SYMBOLS_EVERY_MS = 2000;

export default function Market() {
  const { data, problem } = useFetched('/api/symbols', {}, SYMBOLS_EVERY_MS);
  const symbols = data?.symbols ?? [];
  const wanted = route.value.query.symbol ?? symbols[0]?.symbol;
  const listed = symbols.find(({ symbol }) => symbol === wanted);
  // A symbol of a link may be beyond those that are listed at once.
  const beyond = data?.next && wanted && !listed;
  const one = useFetched(
    '/api/symbols',
    beyond ? { after: justBefore(wanted), limit: 1 } : null,
    SYMBOLS_EVERY_MS,
  );
  const shown = listed ?? one.data?.symbols.find(({ symbol }) => symbol === wanted);
  const absent = wanted && !shown && (beyond ? one.data : data);
  const interval = (route.value.query.interval ?? '1m') as Interval;
  const market = useLiveMarket(shown?.symbol, shown?.shard, interval);
  const list = <SymbolList listed={symbols} more={!!data?.next} chosen={shown?.symbol} />;
  return (
    <>
      {/* A list that could not be read again is still the list; the banner says that it is old. */}
      {problem && !data && <ProblemNote problem={problem} />}
      {shown ? (
        <Headline symbol={shown} book={market.book.value} trades={market.trades.value} />
      ) : (
        <h1>Market</h1>
      )}
      {absent && <p role="alert">There is no symbol {wanted}.</p>}
      {!data && !problem && <p class="muted">Loading</p>}
      {shown ? (
        <Board symbol={shown} market={market} interval={interval} list={list} />
      ) : (
        data && list
      )}
    </>
  );
}

interface BoardProps {
  symbol: Symbol;
  market: LiveMarket;
  interval: Interval;
  list: ComponentChild;
}

function Board({ symbol, market, interval, list }: BoardProps) {
  const draft = useSignal(EMPTY_DRAFT);
  useEffect(() => {
    draft.value = forAnotherSymbol(draft.value);
  }, [symbol.symbol]);
  const digits = decimals(symbol.tick_size);
  const onPrice = (price: string) => (draft.value = { ...draft.value, type: 'limit', price });
  const last = lastMove(market.trades.value);
  return (
    <div class="market">
      <div>
        {list}
        <Ticket symbol={symbol} draft={draft} />
      </div>
      <div>
        <Candles symbol={symbol} candles={market.candles.value} interval={interval} />
        <Depth book={market.book.value} symbol={symbol} />
      </div>
      <div>
        <Ladder book={market.book.value} last={last} digits={digits} onPrice={onPrice} />
        <Tape trades={market.trades.value} digits={digits} />
      </div>
    </div>
  );
}
