// One figure: what it is, its value, and a note that puts it in proportion.

import type { ComponentChildren } from 'preact';

import type { Figure } from '../glossary';
import { Term } from './term';

interface TileProps {
  figure: Figure;
  label: string;
  value: ComponentChildren;
  note?: ComponentChildren;
}

export function Tile({ figure, label, value, note }: TileProps) {
  return (
    <div class="tile">
      <dt>
        <Term of={figure}>{label}</Term>
      </dt>
      <dd>{value}</dd>
      <dd class="note">{note}</dd>
    </div>
  );
}

export function Tiles({ children }: { children: ComponentChildren }) {
  return <dl class="grid tiles">{children}</dl>;
}
