// How old what the page shows is. The node sends a summary every second; when none came for three,
// the page says so. Books come over a connection of their own, which may be lost alone.

import { computed, signal } from '@preact/signals';

export const STALE_AFTER_MS = 3000;

// Ticks four times a second, so that ages on the page grow while nothing arrives.
export const now = signal(Date.now());
// When the last document arrived, by this machine's clock: the node's clock may differ.
export const arrived = signal<number | null>(null);
// The stream is open.
export const connected = signal(false);

const opened = Date.now();

export const age = computed(() => Math.max(0, now.value - (arrived.value ?? opened)));
export const stale = computed(() => age.value > STALE_AFTER_MS);

// Since when a book that is shown has waited for its node; null: it does not, or none is shown.
export const bookWaitsSince = signal<number | null>(null);
export const bookAge = computed(() =>
  bookWaitsSince.value === null ? 0 : Math.max(0, now.value - bookWaitsSince.value),
);
export const bookStale = computed(() => bookAge.value > STALE_AFTER_MS);

// What the node refused of the market that is shown, or ended: nothing more comes of it.
export interface Refusal {
  channel: string;
  reason: string;
}
export const marketRefusals = signal<readonly Refusal[]>([]);

export function startClock(): void {
  setInterval(() => (now.value = Date.now()), 250);
}
