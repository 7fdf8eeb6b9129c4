// The frame around every page: the cluster and who answers, the list of pages, and a banner when
// what is shown is no longer live.

import { useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { ComponentType } from 'preact';

import { linkTo, route } from './router';
import { pageAt, PAGES } from './pages/list';
import { AccessButton } from './parts/access';
import { State } from './parts/state';
import { StaleBanner } from './parts/stale_banner';
import { hideTooltip, Tooltip } from './parts/term';
import { alerts, summary } from './state/live';
import { staleness } from './state/staleness';
import { theme, toggleTheme } from './state/theme';

export function App() {
  const page = pageAt(route.value.page);
  const title = page?.name ?? 'No such page';
  useEffect(() => {
    document.title = `${title} – quorumbook`;
    hideTooltip();
  }, [title]);
  return (
    <div class="shell">
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault(); // the address is the page's
          document.getElementById('main')?.focus();
        }}
      >
        Skip to the page
      </a>
      <Head />
      <Navigation />
      <main class="main" id="main" tabIndex={-1}>
        <StaleBanner />
        {page ? <Page name={route.value.page} /> : <Missing />}
      </main>
      <Tooltip />
    </div>
  );
}

function Head() {
  const { value } = summary;
  const live = staleness.value === null;
  return (
    <header class="head">
      <a class="brand" href={linkTo('overview')}>
        <img src="/icon.svg" alt="" width="22" height="22" />
        quorumbook
      </a>
      <p class="where">{value && `cluster ${value.cluster_id}, as node ${value.node} sees it`}</p>
      <div class="tools">
        <State level={live ? 'ok' : 'warn'}>{live ? 'Live' : 'Not live'}</State>
        <AccessButton />
        <button type="button" onClick={toggleTheme}>
          {theme.value === 'dark' ? 'Light' : 'Dark'} theme
        </button>
      </div>
    </header>
  );
}

function Navigation() {
  const { page: open } = route.value;
  const list = useRef<HTMLElement>(null);
  // On a narrow screen the list scrolls sideways. Not by scrollIntoView(), from where Chromium
  // would go on with the next Tab.
  useEffect(() => {
    const link = list.current?.querySelector('[aria-current]');
    if (!list.current || !link) return;
    const [seen, here] = [list.current, link].map((element) => element.getBoundingClientRect());
    if (here!.left < seen!.left) list.current.scrollLeft -= seen!.left - here!.left;
    if (here!.right > seen!.right) list.current.scrollLeft += here!.right - seen!.right;
  }, [open]);
  const firing = alerts.value?.rules.filter(({ state }) => state === 'firing').length ?? 0;
  return (
    <nav class="nav" aria-label="Pages" ref={list}>
      <ul>
        {Object.entries(PAGES).map(([page, { name }]) => (
          <li key={page}>
            <a href={linkTo(page)} aria-current={open === page ? 'page' : undefined}>
              {name}
              {page === 'alerts' && firing > 0 && (
                <span class="badge bad-text">
                  {firing}
                  <span class="hidden-visually"> firing</span>
                </span>
              )}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

const loaded = new Map<string, ComponentType>();

// The page, once its code is here.
function Page({ name }: { name: string }) {
  const ready = useSignal(0);
  const failed = useSignal(false);
  useSignalEffect(() => {
    const { page } = route.value;
    failed.value = false;
    if (loaded.has(page)) return;
    pageAt(page)
      ?.load()
      .then(({ default: component }) => {
        loaded.set(page, component);
        ready.value += 1;
      })
      .catch(() => (failed.value = true));
  });
  void ready.value; // shown again when the code arrived
  const Shown = loaded.get(name);
  if (Shown) return <Shown />;
  return failed.value ? (
    <p role="alert">
      This page could not be loaded: the node does not answer. Reload to try again.
    </p>
  ) : (
    <p class="muted">Loading</p>
  );
}

function Missing() {
  return (
    <>
      <h1>No such page</h1>
      <p>
        There is nothing at this address. <a href={linkTo('overview')}>Go to the overview.</a>
      </p>
    </>
  );
}
