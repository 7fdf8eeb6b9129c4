// What the page says when nodes die: another one, and the one that serves it.

import { expect, it } from 'vitest';

import { seriousIssuesInBothThemes, visit } from './browser';
import { fixture } from './fixture';
import { SYMBOL } from './market';

const { cluster, openNode } = fixture();

it('a node that is killed is seen as down, and as ready again after its start', async () => {
  const dead = await cluster.leader();
  const other = dead === 1 ? 2 : 1;
  const { page, wrong } = await openNode(other);
  await page.getByRole('heading', { name: /^Healthy/ }).waitFor();
  const row = page.locator('main tr', { has: page.locator(`th:text-matches("^${dead}\\\\b")`) });
  await cluster.kill(dead);
  try {
    await page.getByRole('heading', { name: /^Degraded/ }).waitFor();
    await row.getByText('down').waitFor();
    await page
      .getByText(/leads shard 1 in term/)
      .first()
      .waitFor();
    expect(await cluster.leader()).not.toBe(dead);
  } finally {
    await cluster.start(dead); // for the tests that come after
  }
  await row.getByText('ready').waitFor();
  await page.getByRole('heading', { name: /^Healthy/ }).waitFor();
  expect(await page.getByText('Not live').count()).toBe(0);
  expect(wrong).toEqual([]);
  await page.context().close();
});

it('an alert is pending, fires, and is quiet when its reason is gone', async () => {
  const { page } = await openNode(1);
  const firing = page.locator('.panel', {
    has: page.getByRole('heading', { name: 'Firing alerts' }),
  });
  await visit(page, '/alerts');
  const changes = page.getByRole('region', { name: 'What fired, latest first' });
  const became = (state: string) =>
    changes
      .locator('tbody tr', { hasText: 'QuorumbookNodeDown' })
      .filter({ hasText: 'node 3' })
      .getByText(state, { exact: true });
  const rule = page.locator('.rules > li', { hasText: 'QuorumbookNodeDown' });
  await rule.getByText('quiet').waitFor();
  await cluster.kill(3);
  try {
    await rule.getByText('pending', { exact: true }).waitFor({ timeout: 15_000 });
    await rule.getByText(/\(node 3, (pending|firing) since/).waitFor();
    await rule.getByText('firing', { exact: true }).waitFor({ timeout: 60_000 });
    await rule.getByText(/\(node 3, firing since/).waitFor();
    await became('firing').waitFor();
    expect(await page.locator('.page-head').textContent()).toMatch(/[1-9]\d* firing/);
    expect(await seriousIssuesInBothThemes(page)).toEqual([]);
    await visit(page, '/overview');
    await firing
      .getByText(/node 3/)
      .first()
      .waitFor();
    await firing.getByRole('link', { name: 'QuorumbookNodeDown' }).click();
    await rule.getByText('What to do').waitFor();
  } finally {
    await cluster.start(3); // for the tests that come after
  }
  await rule.getByText('quiet').waitFor({ timeout: 15_000 });
  await became('resolved').waitFor();
  await visit(page, '/overview');
  await firing.waitFor({ state: 'detached' });
  await page.context().close();
}, 120_000);

it('when its own node dies the page says so, and goes on when it is back', async () => {
  const { page } = await openNode(3);
  await visit(page, `/market?symbol=${SYMBOL}`);
  const bid = page.locator('.ladder .bid', { hasText: '9.98' });
  await bid.waitFor();
  await cluster.kill(3);
  const banner = page.locator('.stale .banner');
  try {
    await banner.getByText('does not answer').waitFor();
    await banner.getByRole('link', { name: 'node 1' }).waitFor();
    expect(await seriousIssuesInBothThemes(page)).toEqual([]);
    await cluster.qb('order', 'submit', SYMBOL, 'buy', '5', '9.95');
  } finally {
    await cluster.start(3); // for the tests that come after
  }
  await banner.waitFor({ state: 'detached' });
  // The book is subscribed to again: it has what happened meanwhile, and what happens next.
  await page.locator('.ladder .bid', { hasText: '9.95' }).waitFor();
  await cluster.qb('order', 'submit', SYMBOL, 'buy', '6', '9.94');
  await page.locator('.ladder .bid', { hasText: '9.94' }).waitFor();
  await page.context().close();
});

it('a book of a node that hears no leader is not called live', async () => {
  const { page } = await openNode(3);
  await visit(page, `/market?symbol=${SYMBOL}`);
  await page.locator('.ladder .bid', { hasText: '9.98' }).waitFor();
  await page.locator('.head').getByText('Live', { exact: true }).waitFor();
  const banner = page.locator('.stale .banner');
  const row = page.getByRole('region', { name: 'Markets' }).locator('tr', { hasText: SYMBOL });
  try {
    await cluster.kill(1);
    await cluster.kill(2);
    await banner.getByText('no leader is known').waitFor({ timeout: 20_000 });
    await page.locator('.head').getByText('Not live').waitFor();
    // It is the market that is not live: the rest is what this node knows now.
    await visit(page, '/overview');
    await banner.waitFor({ state: 'detached' });
    await row.getByText('not live').waitFor();
    await page
      .getByText(/Markets of shard 1 are not live at this node: no leader is known/)
      .waitFor();
    expect(await seriousIssuesInBothThemes(page)).toEqual([]);
    await visit(page, `/market?symbol=${SYMBOL}`);
  } finally {
    await cluster.start(1).finally(() => cluster.start(2)); // for the tests that come after
  }
  await page.locator('.head').getByText('Live', { exact: true }).waitFor({ timeout: 30_000 });
  await page.locator('.ladder .bid', { hasText: '9.98' }).waitFor();
  await visit(page, '/overview');
  await row.waitFor();
  await row.getByText('not live').waitFor({ state: 'detached' });
  await page.context().close();
});

it('a list of markets that is refused says so, and goes on to show what it had', async () => {
  const { page } = await openNode(2);
  const panel = page.locator('.panel', { has: page.getByRole('heading', { name: 'Markets' }) });
  await panel.getByText(SYMBOL).waitFor();
  await page.route(/\/api\/symbols/, (route) =>
    route.fulfill({
      status: 503,
      contentType: 'application/problem+json',
      json: { title: 'Busy', status: 503, code: 'busy', detail: 'it is busy', hint: 'wait' },
    }),
  );
  await panel.getByRole('alert').getByText('it is busy').waitFor();
  expect(await panel.getByText(SYMBOL).count()).toBe(1);
  await page.reload();
  await panel.getByRole('alert').getByText('it is busy').waitFor();
  await page.unroute(/\/api\/symbols/);
  await panel.getByText(SYMBOL).waitFor();
  expect(await panel.getByRole('alert').count()).toBe(0);
  await page.context().close();
});

it('what is older than 3 s is not called live, and 3 s are no lie', async () => {
  const { page } = await openNode(2);
  await visit(page, '/nodes');
  const uptime = page.locator('main tr', { hasText: /^Up/ }).locator('td').nth(1);
  const heard = async () => {
    const before = await uptime.textContent();
    await expect.poll(() => uptime.textContent(), { timeout: 10_000 }).not.toBe(before);
  };
  const notLive = page.locator('.stale .banner');
  // From here on time passes on the page only as it is told to.
  await page.clock.install();
  await page.clock.pauseAt(Date.now() + 60_000);
  await heard();
  cluster.pause(2);
  try {
    await page.clock.runFor(3000);
    expect(await notLive.count()).toBe(0);
    await page.clock.runFor(250);
    await notLive.getByText('sends nothing').waitFor();
    await notLive.getByText('3 s old').waitFor();
  } finally {
    cluster.resume(2);
  }
  await notLive.waitFor({ state: 'detached' });
  await page.context().close();
});

it('a book whose connection is refused is not called live while the rest is', async () => {
  const { page } = await openNode(1);
  let refuse = true;
  await page.routeWebSocket(/\/api\/ws$/, (socket) => {
    if (refuse) void socket.close();
    else socket.connectToServer();
  });
  await page.reload(); // for what was set up just now to take hold
  await visit(page, `/market?symbol=${SYMBOL}`);
  const banner = page.locator('.stale .banner');
  await banner.getByText('Market not live').waitFor();
  await page.locator('.head').getByText('Not live').waitFor();
  await visit(page, '/overview');
  await banner.waitFor({ state: 'detached' });
  await page.locator('.head').getByText('Live', { exact: true }).waitFor();
  await visit(page, `/market?symbol=${SYMBOL}`);
  await banner.waitFor();
  refuse = false;
  await page.locator('.ladder .bid', { hasText: '9.98' }).waitFor();
  await banner.waitFor({ state: 'detached' });
  await page.context().close();
});
