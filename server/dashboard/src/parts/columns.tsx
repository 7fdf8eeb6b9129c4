// The heads of a table's columns.

import type { Figure } from '../glossary';
import { Term } from './term';

export interface Column {
  head: string;
  figure?: Figure; // what it shows, where the glossary says more of it
  number?: boolean; // of figures, which stand below each other to the right
}

export function Columns({ of }: { of: readonly Column[] }) {
  return (
    <thead>
      <tr>
        {of.map(({ head, figure, number }) => (
          <th scope="col" class={number ? 'number' : ''} key={head}>
            {figure ? <Term of={figure}>{head}</Term> : head}
          </th>
        ))}
      </tr>
    </thead>
  );
}
