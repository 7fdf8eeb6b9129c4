// How every axis that uPlot draws looks: quiet lines, readable figures, and a label with the unit.

import type uPlot from 'uplot';

import { timeOfDay, zone } from '../format/time';
import { colour } from '../state/theme';

const FONT = '12px system-ui, sans-serif';
const BINARY_STEPS = Array.from({ length: 50 }, (_, power) => 2 ** power);

export function axis(extra: uPlot.Axis): uPlot.Axis {
  return {
    stroke: colour('muted'),
    grid: { stroke: colour('grid'), width: 1 },
    ticks: { show: false },
    font: FONT,
    labelFont: FONT,
    labelSize: 18,
    ...extra,
  };
}

// "14:03" where the grid is of whole minutes, as most of it is; "14:03:30" elsewhere.
function timeLabel(seconds: number, step: number): string {
  const time = timeOfDay(seconds * 1000);
  return step % 60 === 0 ? time.slice(0, -3) : time;
}

// "10.0 ms" -> "10 ms": what is on the grid is exact.
function withoutZeros(text: string): string {
  return text.replace(/\.(\d*?)0+(?=\D|$)/, (_, digits: string) => (digits ? `.${digits}` : ''));
}

// Of seconds since 1970.
export function timeAxis(): uPlot.Axis {
  return axis({
    label: `time, ${zone()}`,
    values: (_, ticks, __, ___, step) => ticks.map((tick) => timeLabel(tick, step)),
    space: (_, __, from, to) => (to - from > 120 ? 48 : 70),
    size: 26,
  });
}

// `binary`: grid lines stand at powers of two, as those of bytes should.
export function valueAxis(
  unit: string,
  show: (value: number) => string,
  binary = false,
): uPlot.Axis {
  return axis({
    label: unit,
    size: 62,
    ...(binary ? { incrs: BINARY_STEPS } : {}),
    values: (_, ticks) => ticks.map((tick) => withoutZeros(show(tick))),
  });
}
