// An error, as the node worded it: what is wrong, and what to do.

import type { Problem } from '../api/client';
import { State } from './state';

export function ProblemNote({ problem }: { problem: Problem }) {
  return (
    <div class="banner bad" role="alert">
      <State level="bad">
        <b>{problem.title}</b>
      </State>
      <p>
        {problem.detail}. <span class="muted">{problem.hint}</span>
      </p>
    </div>
  );
}
