// How much the book holds up to each price, both sides: steps that rise away from the spread.

import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

import { short } from '../format/numbers';
import { colour, theme } from '../state/theme';
import { axis } from './axis';
import { cumulate, type DepthLevel } from './depth';

interface DepthChartProps {
  bids: readonly DepthLevel[]; // best first
  asks: readonly DepthLevel[];
  showPrice: (price: number) => string;
  priceLabel: string;
  quantityLabel: string;
}

const HEIGHT = 220;

function aligned({ bids, asks }: DepthChartProps): uPlot.AlignedData {
  const { prices, bought, sold } = cumulate(bids, asks);
  return [prices, bought, sold];
}

function options(
  props: DepthChartProps,
  width: number,
  onPoint: (index: number | null) => void,
): uPlot.Options {
  const side = (label: string, name: string, align: 1 | -1): uPlot.Series => ({
    label,
    stroke: colour(name),
    fill: colour(`${name}-fill`),
    width: 2,
    points: { show: false },
    spanGaps: true, // prices of the other side
    paths: uPlot.paths.stepped!({ align }),
  });
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)] },
    scales: { x: { time: false }, y: { range: (_, __, high) => [0, high > 0 ? high * 1.1 : 1] } },
    axes: [
      axis({ label: props.priceLabel, size: 26, values: (_, ticks) => ticks.map(props.showPrice) }),
      axis({
        label: props.quantityLabel,
        size: 62,
        values: (_, ticks) => ticks.map(short),
      }),
    ],
    series: [{}, side('bids', 'buy', -1), side('asks', 'sell', 1)],
  };
}

export function DepthChart(props: DepthChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const pointedAt = useSignal<number | null>(null); // index of a price

  useLayoutEffect(() => {
    const element = box.current!;
    const made = new uPlot(
      options(props, element.clientWidth, (index) => (pointedAt.value = index)),
      aligned(props),
      element,
    );
    plot.current = made;
    const resized = new ResizeObserver(() => {
      made.setSize({ width: element.clientWidth, height: HEIGHT });
    });
    resized.observe(element);
    return () => {
      resized.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [theme.value, props.showPrice, props.priceLabel, props.quantityLabel]);

  useEffect(() => plot.current?.setData(aligned(props)), [props.bids, props.asks]);

  const sum = (levels: readonly DepthLevel[]) =>
    short(levels.reduce((total, { quantity }) => total + quantity, 0));
  const { prices, bought, sold } = cumulate(props.bids, props.asks);
  const at = pointedAt.value;
  const price = at === null ? undefined : prices[at];
  return (
    <>
      <ul class="legend">
        {at === null || price === undefined ? (
          <>
            <li class="buy-text">
              bids <b>{sum(props.bids)}</b>
            </li>
            <li class="sell-text">
              asks <b>{sum(props.asks)}</b>
            </li>
          </>
        ) : (
          <>
            {typeof bought[at] === 'number' && (
              <li class="buy-text">
                <b>{short(bought[at])}</b> bid at <b>{props.showPrice(price)}</b> or more
              </li>
            )}
            {typeof sold[at] === 'number' && (
              <li class="sell-text">
                <b>{short(sold[at])}</b> offered at <b>{props.showPrice(price)}</b> or less
              </li>
            )}
          </>
        )}
      </ul>
      <div
        role="img"
        aria-label={`Depth: ${sum(props.bids)} bid (left), ${sum(props.asks)} offered (right)`}
        ref={box}
      />
    </>
  );
}
