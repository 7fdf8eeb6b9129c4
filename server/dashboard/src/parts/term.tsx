// A word that says what it means when it is pointed at or focused. One tooltip serves the whole
// page: it is placed against the window, so that a table that scrolls does not cut it off.

import { signal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { ComponentChildren } from 'preact';

import { meaning, type Figure } from '../glossary';

const shown = signal<{ text: string; at: DOMRect } | null>(null);

export function hideTooltip(): void {
  shown.value = null;
}

export function Term({ of, children }: { of: Figure; children: ComponentChildren }) {
  const show = (event: Event) => {
    const at = (event.currentTarget as Element).getBoundingClientRect();
    shown.value = { text: meaning(of), at };
  };
  return (
    <button
      type="button"
      class="term"
      aria-describedby="tooltip"
      onMouseEnter={show}
      onFocus={show}
      onClick={show}
      onMouseLeave={hideTooltip}
      onBlur={hideTooltip}
      onKeyDown={(event) => event.key === 'Escape' && hideTooltip()}
    >
      {children}
    </button>
  );
}

const MARGIN = 8;

export function Tooltip() {
  const box = useRef<HTMLDivElement>(null);
  const { text, at } = shown.value ?? {};
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || !at) return;
    const { width, height } = element.getBoundingClientRect();
    const left = Math.min(Math.max(MARGIN, at.left), innerWidth - width - MARGIN);
    const below = at.bottom + MARGIN;
    const top = below + height > innerHeight ? Math.max(0, at.top - height - MARGIN) : below;
    element.style.left = `${left}px`;
    element.style.top = `${top}px`;
  }, [text, at]);
  return (
    <div id="tooltip" role="tooltip" class="tooltip" hidden={!text} ref={box}>
      {text}
    </div>
  );
}
