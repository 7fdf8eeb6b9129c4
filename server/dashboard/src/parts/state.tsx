// How something is, as a shape and a word; the colour only repeats it.

import type { ComponentChildren } from 'preact';

export type Level = 'ok' | 'warn' | 'bad' | 'none';

const SHAPES: Record<Level, string> = {
  ok: 'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Z',
  warn: 'M8 1 16 15H0Z',
  bad: 'M5 0h6l5 5v6l-5 5H5l-5-5V5Z',
  none: 'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm0 3a4 4 0 1 1 0 8 4 4 0 0 1 0-8Z',
};

export function State({ level, children }: { level: Level; children: ComponentChildren }) {
  return (
    <span class={`state ${level}`}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d={SHAPES[level]} />
      </svg>
      {children}
    </span>
  );
}
