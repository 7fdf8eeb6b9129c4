// Debian's chromium, and pages that note everything that should not happen.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const WIDE = { width: 1400, height: 900 };
export const NARROW = { width: 390, height: 844 };

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    // Chromium's sandbox does not work as root, as tests in a container are.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
}

export interface Watched {
  page: Page;
  // Console errors and warnings, exceptions, and requests to anywhere but the node.
  wrong: string[];
}

export async function open(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Watched> {
  const context = await browser.newContext({ viewport: WIDE, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const wrong: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) wrong.push(message.text());
  });
  page.on('pageerror', (error) => wrong.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(url)) wrong.push(`request to ${request.url()}`);
  });
  await page.goto(`${url}/`);
  return { page, wrong };
}

export async function visit(page: Page, hash: string): Promise<void> {
  await page.evaluate((to) => (location.hash = to), hash);
  await page.locator('main h1').first().waitFor({ state: 'visible' });
}

// Goes through the same door as a person: the dialog at the top.
export async function unlock(page: Page, token: string): Promise<void> {
  await page.getByRole('button', { name: /^(Unlock changes|Changes unlocked)$/ }).click();
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Use it' }).click();
  await page.getByRole('button', { name: 'Changes unlocked' }).waitFor();
}

interface AxeResult {
  violations: {
    id: string;
    impact: string;
    nodes: { target: string[]; failureSummary: string }[];
  }[];
}

// What axe finds that is serious or worse, in words.
export async function seriousIssues(page: Page): Promise<string[]> {
  const { violations } = (await page.evaluate(`${AXE}; axe.run()`)) as AxeResult;
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.target.join(' ')}: ${nodes[0]?.failureSummary}`);
}

export async function seriousIssuesInBothThemes(page: Page): Promise<string[]> {
  const found = await seriousIssues(page);
  await switchTheme(page);
  found.push(...(await seriousIssues(page)));
  await switchTheme(page);
  return found;
}

// Its colours alone, as the button for it can not be reached while a dialog is open.
function switchTheme(page: Page): Promise<void> {
  return page.evaluate(() => {
    const { dataset } = document.documentElement;
    dataset.theme = dataset.theme === 'dark' ? 'light' : 'dark';
  });
}

// How many pixels the page is wider than the window; 0 when it fits.
export function overflow(page: Page): Promise<number> {
  return page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - innerWidth));
}

const OPERABLE = 'a[href], button:enabled, input:enabled, select:enabled, summary, [tabindex="0"]';

// What can be operated and is not reached by pressing Tab, or does not show when it has the focus.
export async function missedByKeyboard(page: Page): Promise<string[]> {
  const operable = await page.evaluateHandle((selector) => {
    (document.activeElement as HTMLElement | null)?.blur();
    return Array.from(document.querySelectorAll<HTMLElement>(selector)).filter((element) =>
      element.checkVisibility({ visibilityProperty: true }),
    );
  }, OPERABLE);
  const seen = new Set<number>();
  const wanted = await operable.evaluate(({ length }) => length);
  // A page that goes on living may have gained some.
  for (let presses = 0; presses < 2 * wanted && seen.size < wanted; presses += 1) {
    await page.keyboard.press('Tab');
    const [at, shows] = await operable.evaluate((elements) => {
      const focused = document.activeElement as HTMLElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(focused);
      return [
        elements.indexOf(focused),
        outlineStyle !== 'none' && outlineWidth !== '0px',
      ] as const;
    });
    if (shows) seen.add(at);
  }
  const left = [...Array(wanted).keys()].filter((at) => !seen.has(at));
  return operable.evaluate(
    (elements, missed) =>
      missed
        .map((at) => elements[at]!)
        .filter((element) => element.isConnected)
        .map((element) => element.outerHTML.slice(0, 100)),
    left,
  );
}
