// The cluster in one sentence, and what it rests on.

import type { Health } from '../../generated/schema';
import { State, type Level } from './state';
import { Term } from './term';

const LEVELS: Record<Health['verdict'], Level> = {
  healthy: 'ok',
  degraded: 'warn',
  unavailable: 'bad',
  founding: 'none',
};

const WORDS: Record<Health['verdict'], string> = {
  healthy: 'Healthy',
  degraded: 'Degraded',
  unavailable: 'Unavailable',
  founding: 'Being founded',
};

export function Verdict({ health }: { health: Health }) {
  const level = LEVELS[health.verdict];
  // The sentence holds the first reason already.
  const more = health.reasons.filter((reason) => !health.sentence.includes(reason));
  return (
    <section class={`verdict ${level}`} aria-label="Verdict">
      <State level={level}>
        <span class="hidden-visually">{WORDS[health.verdict]}</span>
      </State>
      <div>
        <h1>
          <Term of="verdict">{health.sentence}</Term>
        </h1>
        {more.map((reason) => (
          <p key={reason}>{reason}</p>
        ))}
      </div>
    </section>
  );
}
