// Where another node's dashboard is, seen from this browser.

const WILDCARD = /^(0\.0\.0\.0|\[::\])$/;
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

// The same page at the node whose HTTP is at `address`: "host:port", or a URL without a path. null
// when that is not an address to go to: a node that listens on all addresses does not say at which
// of them it is reached, and one on loopback is reached only by who is on its machine, as this page
// is when its own host is loopback.
export function pageOfNode(
  address: string | null,
  here: { protocol: string; hostname: string; hash: string } = location,
): string | null {
  if (address === null) return null;
  const origin = address.includes('://') ? address : `${here.protocol}//${address}`;
  const host = origin.replace(/^.*:\/\//, '').replace(/:\d+$/, '');
  if (WILDCARD.test(host)) return null;
  if (LOOPBACK.test(host) && !LOOPBACK.test(here.hostname)) return null;
  return `${origin}/${here.hash}`;
}
