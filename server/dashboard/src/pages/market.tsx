// One symbol's market, live: its figures, candles, depth, book, trades, and a ticket to trade.

import { useSignal } from '@preact/signals';
import { lazy, Suspense } from 'preact/compat';
import { useMemo } from 'preact/hooks';

import type { Interval } from '../api/market_messages';
import type { Candle, Level, Symbol } from '../../generated/schema';
import type { Bar } from '../charts/candle_chart';
import { DepthChart } from '../charts/depth_chart';
import { approximate, decimals, grouped, padded } from '../format/decimal';
import { count, UNKNOWN } from '../format/numbers';
import { EMPTY_DRAFT } from '../market/draft';
import { Ladder } from '../market/ladder';
import { useLiveMarket, type LiveMarket } from '../market/live_market';
import { signed, SymbolList } from '../market/symbol_list';
import { Tape } from '../market/tape';
import { Ticket } from '../market/ticket';
import { Choices } from '../parts/choices';
import { useFetched } from '../parts/fetched';
import { Empty, Panel } from '../parts/panel';
import { ProblemNote } from '../parts/problem';
import { Term } from '../parts/term';
import { choose, route } from '../router';
import { spreadOf, type Book } from '../state/book';

// The library that draws candles is larger than everything else together.
const CandleChart = lazy(() => import('../charts/candle_chart'));

const SYMBOLS_EVERY_MS = 2000;
const INTERVALS = [
  ['1m', '1 min'],
  ['5m', '5 min'],
  ['1h', '1 h'],
  ['1d', '1 day'],
] as const;

export default function Market() {
  const { data, problem } = useFetched('/api/symbols', {}, SYMBOLS_EVERY_MS);
  const symbols = data.value?.symbols ?? [];
  const wanted = route.value.query.symbol ?? symbols[0]?.symbol;
  const shown = symbols.find(({ symbol }) => symbol === wanted);
  const interval = (route.value.query.interval ?? '1m') as Interval;
  const market = useLiveMarket(shown?.symbol, interval);
  return (
    <>
      {/* A list that could not be read again is still the list; the banner says that it is old. */}
      {problem.value && !data.value && <ProblemNote problem={problem.value} />}
      {shown ? <Headline symbol={shown} book={market.book.value} /> : <h1>Market</h1>}
      {data.value && wanted && !shown && <p role="alert">There is no symbol {wanted}.</p>}
      {market.refused.value && <p role="alert">The node sends no data: {market.refused.value}</p>}
      {shown ? (
        <Board symbols={symbols} symbol={shown} market={market} interval={interval} />
      ) : (
        <SymbolList symbols={symbols} chosen={undefined} />
      )}
    </>
  );
}

function Headline({ symbol, book }: { symbol: Symbol; book: Book }) {
  const digits = decimals(symbol.tick_size);
  const price = (text: string | null) => (text === null ? UNKNOWN : padded(text, digits));
  const spread = spreadOf(book);
  return (
    <div class="page-head headline">
      <h1>{symbol.symbol}</h1>
      <dl>
        <div>
          <dt>
            <Term of="last">Last</Term>
          </dt>
          <dd>
            <b>{price(symbol.last)}</b> {symbol.quote}
          </dd>
        </div>
        <div>
          <dt>
            <Term of="change">Change</Term>
          </dt>
          <dd>{signed(symbol.change_ratio)}</dd>
        </div>
        <div>
          <dt>
            <Term of="spread">Spread</Term>
          </dt>
          <dd>{spread === null ? UNKNOWN : `${spread.basisPoints.toFixed(1)} bps`}</dd>
        </div>
        <div>
          <dt>High, low</dt>
          <dd>
            {price(symbol.high)}, {price(symbol.low)}
          </dd>
        </div>
        <div>
          <dt>
            <Term of="volume">Volume</Term>
          </dt>
          <dd>
            {grouped(symbol.volume)} {symbol.base} in {count(symbol.trades)} trades
          </dd>
        </div>
        <div>
          <dt>
            <Term of="phase">Phase</Term>
          </dt>
          <dd>{symbol.delisted ? 'delisted' : symbol.phase.replaceAll('_', ' ')}</dd>
        </div>
      </dl>
    </div>
  );
}

interface BoardProps {
  symbols: readonly Symbol[];
  symbol: Symbol;
  market: LiveMarket;
  interval: Interval;
}

function Board({ symbols, symbol, market, interval }: BoardProps) {
  const draft = useSignal(EMPTY_DRAFT);
  const digits = decimals(symbol.tick_size);
  const onPrice = (price: string) => (draft.value = { ...draft.value, type: 'limit', price });
  return (
    <div class="market">
      <div>
        <SymbolList symbols={symbols} chosen={symbol.symbol} />
        <Ticket
          symbol={symbol.symbol}
          tick={symbol.tick_size}
          lot={symbol.lot_size}
          draft={draft}
        />
      </div>
      <div>
        <Candles symbol={symbol} candles={market.candles.value} interval={interval} />
        <Depth book={market.book.value} digits={digits} />
      </div>
      <div>
        <Ladder book={market.book.value} digits={digits} onPrice={onPrice} />
        <Tape trades={market.trades.value} digits={digits} />
      </div>
    </div>
  );
}

function barOf({ start_ms, open, high, low, close, volume }: Candle): Bar {
  return {
    start: start_ms / 1000,
    open: approximate(open),
    high: approximate(high),
    low: approximate(low),
    close: approximate(close),
    volume: approximate(volume),
  };
}

interface CandlesProps {
  symbol: Symbol;
  candles: readonly Candle[];
  interval: Interval;
}

function Candles({ symbol, candles, interval }: CandlesProps) {
  const bars = useMemo(() => candles.map(barOf), [candles]);
  const unit = symbol.quote ?? 'price';
  return (
    <Panel
      title={<Term of="candles">Candles</Term>}
      class="candles-panel"
      aside={
        <Choices
          label="Interval of a candle"
          options={INTERVALS}
          value={interval}
          onChoose={(chosen) => choose({ interval: chosen === '1m' ? undefined : chosen })}
        />
      }
    >
      {bars.length === 0 ? (
        <Empty>No trade yet.</Empty>
      ) : (
        <Suspense fallback={<p class="candles muted">Loading</p>}>
          <CandleChart
            bars={bars}
            decimals={decimals(symbol.tick_size)}
            title={`${bars.length} candles of ${interval} of ${symbol.symbol}`}
          />
        </Suspense>
      )}
      <p class="muted small">
        Above: {unit}; below: volume{symbol.base ? `, ${symbol.base}` : ''}; times are UTC. Charts
        by{' '}
        <a href="https://www.tradingview.com/" rel="noreferrer">
          TradingView Lightweight Charts™
        </a>
        , copyright (c) 2025 TradingView, Inc.
      </p>
    </Panel>
  );
}

function Depth({ book, digits }: { book: Book; digits: number }) {
  const levels = (side: readonly Level[]) =>
    side.map(({ price, quantity }) => ({
      price: approximate(price),
      quantity: approximate(quantity),
    }));
  const bids = useMemo(() => levels(book.bids), [book.bids]);
  const asks = useMemo(() => levels(book.asks), [book.asks]);
  const showPrice = useMemo(() => (price: number) => price.toFixed(digits), [digits]);
  return (
    <Panel title={<Term of="depth">Depth</Term>} class="depth-panel">
      {bids.length + asks.length === 0 ? (
        <Empty>The book is empty.</Empty>
      ) : (
        <DepthChart bids={bids} asks={asks} showPrice={showPrice} />
      )}
    </Panel>
  );
}
