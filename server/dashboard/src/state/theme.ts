// Dark or light: what the reader chose, else what the system says.

import { signal } from '@preact/signals';

export type Theme = 'dark' | 'light';

const KEY = 'quorumbook.theme';
const systemLight = matchMedia('(prefers-color-scheme: light)');

function preferred(): Theme {
  const chosen = localStorage.getItem(KEY);
  if (chosen === 'dark' || chosen === 'light') return chosen;
  return systemLight.matches ? 'light' : 'dark';
}

export const theme = signal<Theme>(preferred());

function apply(): void {
  document.documentElement.dataset.theme = theme.value;
}

export function startTheme(): void {
  apply();
  systemLight.addEventListener('change', () => {
    theme.value = preferred();
    apply();
  });
}

export function toggleTheme(): void {
  const next = theme.value === 'dark' ? 'light' : 'dark';
  localStorage.setItem(KEY, next);
  document.documentElement.dataset.theme = next;
  theme.value = next; // after the attribute, for charts read their colours when this changes
}

// A colour of styles/tokens.css as it is now, for what is drawn on a canvas.
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
