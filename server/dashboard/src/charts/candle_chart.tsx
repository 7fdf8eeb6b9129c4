// Candles with volume below them, drawn by TradingView's lightweight-charts. The library's own
// attribution logo brings an inline style sheet, which the node's content security policy refuses;
// the page links to TradingView in words instead. The library has no labels of axes either: those
// lie over the corners of its two panes.

import {
  CandlestickSeries,
  ColorType,
  createChart,
  HistogramSeries,
  LineStyle,
  type CandlestickData,
  type HistogramData,
  type IChartApi,
  type IPriceLine,
  type ISeriesApi,
  type UTCTimestamp,
} from 'lightweight-charts';
import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';

import { short } from '../format/numbers';
import { colour, theme } from '../state/theme';

// At first, more when there are more; the reader zooms and scrolls.
const FEWEST_BARS_SHOWN = 30;
const MOST_BARS_SHOWN = 90;

export interface Bar {
  start: number; // seconds since 1970, UTC
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
}

interface CandleChartProps {
  bars: readonly Bar[]; // oldest first
  of: string; // whose bars: for others the chart starts anew, without the reader's zoom
  decimals: number;
  title: string;
  priceLabel: string;
  volumeLabel: string;
}

const VOLUME_HEIGHT = 72;

interface Drawn {
  chart: IChartApi;
  prices: ISeriesApi<'Candlestick'>;
  last: IPriceLine; // the library's own would have the colour of a hollow candle: none
  volumes: ISeriesApi<'Histogram'>;
}

function draw(element: HTMLElement, decimals: number): Drawn {
  const chart = createChart(element, {
    autoSize: true,
    layout: {
      attributionLogo: false,
      background: { type: ColorType.Solid, color: colour('surface') },
      textColor: colour('muted'),
      panes: { separatorColor: colour('line'), enableResize: false },
    },
    grid: { vertLines: { color: colour('grid') }, horzLines: { color: colour('grid') } },
    rightPriceScale: { borderColor: colour('line') },
    timeScale: { borderColor: colour('line'), timeVisible: true, secondsVisible: false },
  });
  const prices = chart.addSeries(CandlestickSeries, {
    upColor: colour('buy'),
    borderUpColor: colour('buy'),
    wickUpColor: colour('buy'),
    // A falling candle is hollow, so that it is told from a rising one without its colour.
    downColor: colour('surface'),
    borderDownColor: colour('sell'),
    wickDownColor: colour('sell'),
    priceFormat: { type: 'price', precision: decimals, minMove: 10 ** -decimals },
    lastValueVisible: false,
    priceLineVisible: false,
  });
  const last = prices.createPriceLine({ price: 0, lineStyle: LineStyle.Dotted, lineWidth: 1 });
  const volumes = chart.addSeries(
    HistogramSeries,
    { priceFormat: { type: 'volume' }, lastValueVisible: false, priceLineVisible: false },
    1,
  );
  chart.panes()[1]?.setHeight(VOLUME_HEIGHT);
  return { chart, prices, last, volumes };
}

function fill({ prices, last, volumes }: Drawn, bars: readonly Bar[]): void {
  prices.setData(
    bars.map(({ start, open, high, low, close }): CandlestickData<UTCTimestamp> => {
      return { time: start as UTCTimestamp, open, high, low, close };
    }),
  );
  const latest = bars.at(-1);
  if (latest) {
    const color = colour(latest.close >= latest.open ? 'buy' : 'sell');
    const axisLabelTextColor = colour('surface');
    last.applyOptions({ price: latest.close, color, axisLabelColor: color, axisLabelTextColor });
  }
  volumes.setData(
    bars.map(({ start, open, close, volume }): HistogramData<UTCTimestamp> => {
      const color = colour(close >= open ? 'buy-bar' : 'sell-bar');
      return { time: start as UTCTimestamp, value: volume, color };
    }),
  );
}

export default function CandleChart(props: CandleChartProps) {
  const { bars, of, decimals, title, priceLabel, volumeLabel } = props;
  const box = useRef<HTMLDivElement>(null);
  const drawn = useRef<Drawn | null>(null);
  const pointedAt = useSignal<number | null>(null); // start of a bar

  useLayoutEffect(() => {
    const made = draw(box.current!, decimals);
    drawn.current = made;
    fill(made, bars);
    const to = bars.length + 2;
    const shown = Math.min(Math.max(to, FEWEST_BARS_SHOWN), MOST_BARS_SHOWN);
    made.chart.subscribeCrosshairMove(({ time }) => {
      pointedAt.value = typeof time === 'number' ? time : null;
    });
    made.chart.timeScale().setVisibleLogicalRange({ from: to - shown, to });
    return () => {
      made.chart.remove();
      drawn.current = null;
    };
  }, [theme.value, decimals, of]);

  useEffect(() => {
    if (drawn.current) fill(drawn.current, bars);
  }, [bars]);

  const shown = bars.find(({ start }) => start === pointedAt.value) ?? bars.at(-1);
  return (
    <>
      {shown && <Figures bar={shown} decimals={decimals} />}
      <div class="candles">
        <div role="img" aria-label={title} ref={box} />
        <span class="axis-label" aria-hidden="true">
          {priceLabel}
        </span>
        <span class="axis-label of-volume" aria-hidden="true">
          {volumeLabel}
        </span>
      </div>
    </>
  );
}

// Of the bar that is pointed at, or of the latest.
function Figures({ bar, decimals }: { bar: Bar; decimals: number }) {
  const figures = [
    ['open', bar.open],
    ['high', bar.high],
    ['low', bar.low],
    ['close', bar.close],
  ] as const;
  const rises = bar.close >= bar.open;
  return (
    <ul class="legend">
      <li>{new Date(bar.start * 1000).toISOString().slice(0, 16).replace('T', ' ')}</li>
      {figures.map(([name, price]) => (
        <li key={name}>
          {name} <b>{price.toFixed(decimals)}</b>
        </li>
      ))}
      <li class={rises ? 'buy-text' : 'sell-text'}>
        {rises ? '▲ +' : '▼ '}
        {((bar.close / bar.open - 1) * 100).toFixed(2)} %
      </li>
      <li>
        volume <b>{short(bar.volume)}</b>
      </li>
    </ul>
  );
}
