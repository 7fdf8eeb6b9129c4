// Series over the last minutes as lines with a legend that gives the values at the cursor, or the
// latest. Lines differ by dashes as well as by colour. Gaps are unknown values, never zeros.

import { signal, useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

import { colour, theme } from '../state/theme';
import { timeAxis, valueAxis } from './axis';

export interface Line {
  label: string;
  values: readonly (number | null)[];
}

interface SeriesChartProps {
  // What the chart shows, for those who do not see it.
  title: string;
  // Of the vertical axis, e.g. "orders/s".
  unit: string;
  times: readonly number[]; // seconds since 1970, ascending
  lines: readonly Line[];
  show: (value: number | null | undefined) => string;
  // Grid lines stand at powers of two: of bytes.
  binary?: boolean;
}

const HEIGHT = 188;
const DASHES: readonly number[][] = [[], [6, 3], [2, 3], [8, 3, 2, 3], [12, 4], [4, 2], [1, 2]];

export function lineColour(index: number): string {
  return colour(`series-${(index % 7) + 1}`);
}

// Charts of one page share the cursor's time.
const cursorGroup = uPlot.sync('time');
const cursorIndex = signal<number | null>(null);

function options(props: SeriesChartProps, width: number): uPlot.Options {
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { sync: { key: cursorGroup.key }, y: false, drag: { x: false, y: false } },
    hooks: { setCursor: [(plot) => (cursorIndex.value = plot.cursor.idx ?? null)] },
    scales: { y: { range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.1 : 1] } },
    axes: [timeAxis(), valueAxis(props.unit, props.show, props.binary)],
    series: [
      {},
      ...props.lines.map(({ label }, index) => ({
        label,
        stroke: lineColour(index),
        width: 1.75,
        dash: DASHES[index % DASHES.length]!,
        points: { show: false },
      })),
    ],
  };
}

function aligned(props: SeriesChartProps): uPlot.AlignedData {
  return [[...props.times], ...props.lines.map(({ values }) => [...values])];
}

export function SeriesChart(props: SeriesChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const over = useSignal(false);
  const shape = `${theme.value} ${props.unit} ${props.lines.map(({ label }) => label).join()}`;

  useLayoutEffect(() => {
    const element = box.current!;
    const made = new uPlot(options(props, element.clientWidth), aligned(props), element);
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
  }, [shape]);

  useEffect(() => plot.current?.setData(aligned(props)), [props.times, props.lines]);

  const index = (over.value ? cursorIndex.value : null) ?? props.times.length - 1;
  const values = props.lines.map((line) => `${line.label} ${props.show(line.values[index])}`);
  return (
    <div
      class="chart"
      onMouseEnter={() => (over.value = true)}
      onMouseLeave={() => (over.value = false)}
    >
      <Legend lines={props.lines} show={props.show} index={index} />
      <div
        role="img"
        aria-label={`${props.title}, in ${props.unit}: ${values.join(', ')}`}
        ref={box}
      />
    </div>
  );
}

type LegendProps = Pick<SeriesChartProps, 'lines' | 'show'> & { index: number };

function Legend({ lines, show, index }: LegendProps) {
  return (
    <ul class="legend">
      {lines.map((line, at) => (
        <li key={line.label}>
          <svg viewBox="0 0 24 8" aria-hidden="true">
            <path
              d="M0 4H24"
              stroke={lineColour(at)}
              stroke-width="2.5"
              stroke-dasharray={DASHES[at % DASHES.length]!.join(' ')}
            />
          </svg>
          {line.label} <b>{show(line.values[index])}</b>
        </li>
      ))}
    </ul>
  );
}
