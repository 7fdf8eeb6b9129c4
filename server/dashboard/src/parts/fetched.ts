// What is asked for rather than streamed: once, or again every so often while the page is open.

import { useSignal, type Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

import { ApiError, get, type Answer, type Problem } from '../api/client';
import type { paths } from '../../generated/schema';

interface Fetched<T> {
  data: Signal<T | null>;
  problem: Signal<Problem | null>;
  again: () => void;
}

export function useFetched<P extends keyof paths>(
  path: P,
  parameters: Record<string, string | number | undefined> = {},
  everyMs?: number,
): Fetched<Answer<P>> {
  const data = useSignal<Answer<P> | null>(null);
  const problem = useSignal<Problem | null>(null);
  const round = useSignal(0);
  const asked = JSON.stringify(parameters);
  useEffect(() => {
    let current = true;
    const ask = () =>
      get(path, JSON.parse(asked) as typeof parameters)
        .then((answer) => {
          if (!current) return;
          data.value = answer;
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
  return { data, problem, again: () => (round.value += 1) };
}
