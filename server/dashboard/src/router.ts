// Which page is open, with what chosen on it, as part of the address: every view is a link that can
// be shared, e.g. "#/market?symbol=DEMO&interval=5m". What follows the # never reaches the node, so
// that it serves one document for all.

import { signal } from '@preact/signals';

export interface Route {
  page: string;
  query: Readonly<Record<string, string>>;
}

export function parseRoute(hash: string): Route {
  const text = hash.replace(/^#\/?/, '');
  const cut = text.indexOf('?');
  const page = cut < 0 ? text : text.slice(0, cut);
  const query = Object.fromEntries(new URLSearchParams(cut < 0 ? '' : text.slice(cut + 1)));
  return { page: page || 'overview', query };
}

// Values that are empty are left out, so that a default makes no noise in a link.
export function linkTo(page: string, query: Record<string, string | undefined> = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value) parameters.set(name, value);
  const text = parameters.toString();
  return `#/${page}${text ? `?${text}` : ''}`;
}

export const route = signal<Route>({ page: 'overview', query: {} });

export function startRouter(): void {
  const read = () => {
    route.value = parseRoute(location.hash);
  };
  addEventListener('hashchange', read);
  read();
}

// Changes what is chosen on the open page, in place: a step back leaves the page, not the choice.
export function choose(query: Record<string, string | undefined>): void {
  const { page, query: now } = route.value;
  history.replaceState(null, '', linkTo(page, { ...now, ...query }));
  route.value = parseRoute(location.hash);
}
