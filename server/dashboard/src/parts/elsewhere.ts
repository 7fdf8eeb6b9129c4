// Where another node's dashboard is, seen from this browser.

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

// The same page at the node whose pages are at `url`, which has no path. null when it is not known,
// and when it is of a loopback address: that is reached only by who is on the node's machine, as
// this page is when its own host is loopback.
export function pageOfNode(
  url: string | null,
  here: { hostname: string; hash: string } = location,
): string | null {
  if (url === null) return null;
  const host = url.replace(/^.*:\/\//, '').replace(/:\d+$/, '');
  if (LOOPBACK.test(host) && !LOOPBACK.test(here.hostname)) return null;
  return `${url}/${here.hash}`;
}
