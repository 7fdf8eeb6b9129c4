// Points in time, in the reader's own time zone, which the page says once.

const clock = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});
const day = new Intl.DateTimeFormat('en-GB', {
  year: 'numeric',
  month: 'short',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
});

const zoned = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' });

// "UTC", "CET": of the times that the page shows.
export function zone(): string {
  return zoned.formatToParts().find(({ type }) => type === 'timeZoneName')!.value;
}

// "14:03:59"
export function timeOfDay(ms: number): string {
  return clock.format(ms);
}

// "22 Nov 2026, 14:03:59 UTC"
export function wholeTime(ms: number): string {
  return day.format(ms);
}

// "just now", "12 s ago", "5 min ago": for what happened, so never negative.
export function ago(ms: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - ms) / 1000));
  if (seconds < 2) return 'just now';
  if (seconds < 120) return `${seconds} s ago`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min ago`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h ago` : `${Math.round(hours / 24)} d ago`;
}
