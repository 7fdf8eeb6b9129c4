// The market's two charts, in their panels: candles with volume, and the depth of the book.

import { lazy, Suspense } from 'preact/compat';
import { useMemo } from 'preact/hooks';

import type { Interval } from '../api/market_messages';
import type { Candle, Level, Symbol } from '../../generated/schema';
import type { Bar } from '../charts/candle_chart';
import { DepthChart } from '../charts/depth_chart';
import { approximate, decimals } from '../format/decimal';
import { Choices } from '../parts/choices';
import { Empty, Panel } from '../parts/panel';
import { Term } from '../parts/term';
import { choose } from '../router';
import type { Book } from '../state/book';

// The library that draws candles is larger than everything else together.
const CandleChart = lazy(() => import('../charts/candle_chart'));

const INTERVALS = [
  ['1m', '1 min'],
  ['5m', '5 min'],
  ['1h', '1 h'],
  ['1d', '1 day'],
] as const;

// "price, USD", or "price" of a symbol that does not touch balances and so has no currency.
function withUnit(what: string, unit: string | null): string {
  return unit === null ? what : `${what}, ${unit}`;
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

export function Candles({ symbol, candles, interval }: CandlesProps) {
  const bars = useMemo(() => candles.map(barOf), [candles]);
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
            of={`${symbol.symbol} ${interval}`}
            decimals={decimals(symbol.tick_size)}
            title={`${bars.length} candles of ${interval} of ${symbol.symbol}`}
            priceLabel={withUnit('price', symbol.quote)}
            volumeLabel={withUnit('volume', symbol.base)}
          />
        </Suspense>
      )}
      <p class="muted small">
        Times are UTC. Charts by{' '}
        <a href="https://www.tradingview.com/" rel="noreferrer">
          TradingView Lightweight Charts™
        </a>
        , copyright (c) 2025 TradingView, Inc.
      </p>
    </Panel>
  );
}

export function Depth({ book, symbol }: { book: Book; symbol: Symbol }) {
  const levels = (side: readonly Level[]) =>
    side.map(({ price, quantity }) => ({
      price: approximate(price),
      quantity: approximate(quantity),
    }));
  const digits = decimals(symbol.tick_size);
  const bids = useMemo(() => levels(book.bids), [book.bids]);
  const asks = useMemo(() => levels(book.asks), [book.asks]);
  const showPrice = useMemo(() => (price: number) => price.toFixed(digits), [digits]);
  return (
    <Panel title={<Term of="depth">Depth</Term>} class="depth-panel">
      {bids.length + asks.length === 0 ? (
        <Empty>The book is empty.</Empty>
      ) : (
        <DepthChart
          bids={bids}
          asks={asks}
          showPrice={showPrice}
          priceLabel={withUnit('price', symbol.quote)}
          quantityLabel={withUnit('total quantity', symbol.base)}
        />
      )}
    </Panel>
  );
}
