// Candles with volume below them, drawn by TradingView's lightweight-charts. The library's own
// attribution logo brings an inline style sheet, which the node's content security policy refuses;
// the page links to TradingView in words instead (market page).

import {
  CandlestickSeries,
  ColorType,
  createChart,
  HistogramSeries,
  type CandlestickData,
  type HistogramData,
  type IChartApi,
  type ISeriesApi,
  type UTCTimestamp,
} from 'lightweight-charts';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';

import { colour, theme } from '../state/theme';

// At first; the reader zooms and scrolls.
const BARS_SHOWN = 90;

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
  decimals: number;
  title: string;
}

interface Drawn {
  chart: IChartApi;
  prices: ISeriesApi<'Candlestick'>;
  volumes: ISeriesApi<'Histogram'>;
}

function draw(element: HTMLElement, decimals: number): Drawn {
  const chart = createChart(element, {
    autoSize: true,
    layout: {
      attributionLogo: false,
      background: { type: ColorType.Solid, color: colour('surface') },
      textColor: colour('muted'),
      panes: { separatorColor: colour('line') },
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
  });
  const volumes = chart.addSeries(HistogramSeries, { priceFormat: { type: 'volume' } }, 1);
  chart.panes()[1]?.setHeight(60);
  return { chart, prices, volumes };
}

function fill({ prices, volumes }: Drawn, bars: readonly Bar[]): void {
  prices.setData(
    bars.map(({ start, open, high, low, close }): CandlestickData<UTCTimestamp> => {
      return { time: start as UTCTimestamp, open, high, low, close };
    }),
  );
  volumes.setData(
    bars.map(({ start, open, close, volume }): HistogramData<UTCTimestamp> => {
      const color = colour(close >= open ? 'buy-fill' : 'sell-fill');
      return { time: start as UTCTimestamp, value: volume, color };
    }),
  );
}

export default function CandleChart({ bars, decimals, title }: CandleChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const drawn = useRef<Drawn | null>(null);

  useLayoutEffect(() => {
    const made = draw(box.current!, decimals);
    drawn.current = made;
    fill(made, bars);
    const to = bars.length + 2;
    made.chart.timeScale().setVisibleLogicalRange({ from: to - BARS_SHOWN, to });
    return () => {
      made.chart.remove();
      drawn.current = null;
    };
  }, [theme.value, decimals, title]);

  useEffect(() => {
    if (drawn.current) fill(drawn.current, bars);
  }, [bars]);

  return <div class="candles" role="img" aria-label={title} ref={box} />;
}
