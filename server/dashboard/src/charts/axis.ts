// How every axis that uPlot draws looks: quiet lines, readable figures, and a label with the unit.

import type uPlot from 'uplot';

import { colour } from '../state/theme';

const FONT = '12px system-ui, sans-serif';

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
