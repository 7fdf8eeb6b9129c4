// A chart of what the nodes kept of the last minutes: a line a series summed over the nodes, or a
// line a node.

import { useComputed } from '@preact/signals';

import { history } from '../state/live';
import { sum, type History } from '../state/history';
import { bytes, percent, seconds, short } from '../format/numbers';
import { Panel } from '../parts/panel';
import { Term } from '../parts/term';
import type { Figure } from '../glossary';
import { SeriesChart, type Line } from './series_chart';

const SHOW = { number: short, seconds, bytes, percent } as const;

interface HistoryChartProps {
  title: string;
  figure: Figure;
  unit: string; // of the axis
  as?: keyof typeof SHOW;
  // Either one line for each [series, label], summed over the nodes,
  sums?: readonly (readonly [series: string, label: string])[];
  // or one line for each node.
  series?: string;
}

function linesOf(kept: History, { sums, series }: HistoryChartProps): Line[] {
  if (sums) return sums.map(([name, label]) => ({ label, values: sum(kept, name) }));
  return [...kept.nodes]
    .sort(([a], [b]) => a - b)
    .map(([node, values]) => ({
      label: `node ${node}`,
      values: values[series!] ?? kept.times_ms.map(() => null),
    }));
}

export function HistoryChart(props: HistoryChartProps) {
  const times = useComputed(() => history.value.times_ms.map((time) => time / 1000));
  const lines = useComputed(() => linesOf(history.value, props));
  return (
    <Panel title={<Term of={props.figure}>{props.title}</Term>}>
      {times.value.length === 0 ? (
        <p class="empty">No points yet.</p>
      ) : (
        <SeriesChart
          title={props.title}
          unit={props.unit}
          times={times.value}
          lines={lines.value}
          show={SHOW[props.as ?? 'number']}
          binary={props.as === 'bytes'}
        />
      )}
    </Panel>
  );
}
