// What is asked for rather than streamed: once, or again every so often while the page is open.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

import { ApiError, get, type Answer, type Problem } from '../api/client';
import type { paths } from '../../generated/schema';

interface Fetched<T> {
  data: T | null; // the latest answer to this very question
  problem: Problem | null;
  again: () => void;
}

type Parameters = Readonly<Record<string, string | number | undefined>>;

// Without parameters (null) nothing is asked.
export function useFetched<P extends keyof paths>(
  path: P,
  parameters: Parameters | null = {},
  everyMs?: number,
): Fetched<Answer<P>> {
  const asked = parameters && JSON.stringify(parameters);
  const latest = useSignal<{ asked: string; answer: Answer<P> } | null>(null);
  const problem = useSignal<Problem | null>(null);
  const round = useSignal(0);
  useEffect(() => {
    problem.value = null;
    if (asked === null) return undefined;
    let current = true;
    const ask = () =>
      get(path, JSON.parse(asked) as Parameters)
        .then((answer) => {
          if (!current) return;
          latest.value = { asked, answer };
          problem.value = null;
        })
        .catch((error: unknown) => {
          if (current && error instanceof ApiError) problem.value = error.problem;
        });
    void ask();
    const timer = everyMs === undefined ? undefined : setInterval(ask, everyMs);
    return () => {
      current = false;
      clearInterval(timer);
    };
  }, [path, asked, everyMs, round.value]);
  const data = latest.value?.asked === asked ? latest.value.answer : null;
  return { data, problem: problem.value, again: () => (round.value += 1) };
}
