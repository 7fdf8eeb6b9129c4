// What happened in the cluster, latest first.

import type { Event as ClusterEvent } from '../../generated/schema';
import { timeOfDay, wholeTime } from '../format/time';
import { Empty } from './panel';
import { State, type Level } from './state';

const LEVELS: Record<ClusterEvent['severity'], Level> = {
  info: 'none',
  warning: 'warn',
  critical: 'bad',
};

const WORDS: Record<ClusterEvent['severity'], string> = {
  info: 'Information',
  warning: 'Warning',
  critical: 'Critical',
};

export function EventFeed({ events }: { events: readonly ClusterEvent[] }) {
  if (events.length === 0) return <Empty>Nothing happened since this node started.</Empty>;
  return (
    <ol class="feed" tabIndex={0} aria-label="Events, latest first">
      {events.map(({ id, time_ms, severity, message }) => (
        <li key={id}>
          <time title={wholeTime(time_ms)} dateTime={new Date(time_ms).toISOString()}>
            {timeOfDay(time_ms)}
          </time>
          <span>
            <State level={LEVELS[severity]}>
              <span class="hidden-visually">{WORDS[severity]}: </span>
            </State>{' '}
            {message}
          </span>
        </li>
      ))}
    </ol>
  );
}
