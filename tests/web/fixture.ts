// What every file of tests stands on: a cluster of its own with a small market, and a browser.

import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';

import { launch, open, type Watched } from './browser';
import { Cluster } from './cluster';
import { makeMarket } from './market';

export interface Fixture {
  cluster: Cluster;
  // The dashboard of a node, in a window of its own.
  openNode(node: number, options?: BrowserContextOptions): Promise<Watched>;
}

export function fixture(): Fixture {
  const cluster = new Cluster();
  let browser: Browser | undefined;
  beforeAll(async () => {
    await cluster.up();
    await makeMarket(cluster);
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    await cluster.down();
  });
  return { cluster, openNode: (node, options) => open(browser!, cluster.url(node), options) };
}
