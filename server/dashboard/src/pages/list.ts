// Every page: its address, its name, and its code, which is loaded when it is first opened.

import type { ComponentType } from 'preact';

interface Page {
  name: string;
  load: () => Promise<{ default: ComponentType }>;
}

// What is at an address; "constructor" and the like, which every object has, are not pages.
export function pageAt(name: string): Page | undefined {
  return Object.hasOwn(PAGES, name) ? PAGES[name] : undefined;
}

export const PAGES: Readonly<Record<string, Page>> = {
  overview: { name: 'Overview', load: () => import('./overview') },
  nodes: { name: 'Nodes', load: () => import('./nodes') },
  shards: { name: 'Shards', load: () => import('./shards') },
  raft: { name: 'Raft', load: () => import('./raft') },
  market: { name: 'Market', load: () => import('./market') },
  storage: { name: 'Storage', load: () => import('./storage') },
  alerts: { name: 'Alerts', load: () => import('./alerts') },
  config: { name: 'Config', load: () => import('./config') },
  api: { name: 'API', load: () => import('./api') },
};
