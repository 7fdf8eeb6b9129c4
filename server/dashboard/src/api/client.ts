// Requests to the node that served this page. Paths, parameters and answers are those of
// docs/api/openapi.json; an error is a Problem, as the node words it.

import { signal } from '@preact/signals';

import type { components, paths } from '../../generated/schema';

export type Problem = components['schemas']['Problem'];

export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

// What lets the reader enter orders and move leaderships. Kept for this tab alone, until it closes.
const TOKEN_KEY = 'quorumbook.token';
const stored = typeof sessionStorage === 'undefined' ? null : sessionStorage.getItem(TOKEN_KEY);
export const token = signal(stored ?? '');

export function setToken(value: string): void {
  token.value = value;
  if (value) sessionStorage.setItem(TOKEN_KEY, value);
  else sessionStorage.removeItem(TOKEN_KEY);
}

type Method = 'get' | 'post' | 'delete';
// The answer of status 200 of a path, and the body that it takes.
export type Answer<P extends keyof paths, M extends Method = 'get'> = paths[P][M] extends {
  responses: { 200: { content: { 'application/json': infer A } } };
}
  ? A
  : never;
type Body<P extends keyof paths> = paths[P]['post'] extends {
  requestBody: { content: { 'application/json': infer B } };
}
  ? B
  : never;
type Parameters = Record<string, string | number | undefined>;

// "/api/book/{symbol}" with its parts filled in; what the path does not name becomes the query.
export function address(path: string, parameters: Parameters = {}): string {
  const query = new URLSearchParams();
  let filled = path;
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined || value === '') continue;
    const place = `{${name}}`;
    if (filled.includes(place)) filled = filled.replace(place, encodeURIComponent(value));
    else query.set(name, String(value));
  }
  return query.size === 0 ? filled : `${filled}?${query}`;
}

async function problemOf(response: Response): Promise<Problem> {
  if (response.headers.get('content-type')?.startsWith('application/problem+json')) {
    return (await response.json()) as Problem;
  }
  return {
    type: 'about:blank',
    title: response.statusText,
    status: response.status,
    code: 'unexpected',
    detail: `the node answered with status ${response.status}`,
    hint: 'is this address a quorumbook node?',
  };
}

// A node that takes longer to say something is taken for one that does not answer. What became of
// an order is waited for: the node itself bounds that.
const TIMEOUT_MS = 10_000;

async function request(method: Method, url: string, body?: unknown): Promise<unknown> {
  const headers: Record<string, string> = {};
  if (token.value) headers.authorization = `Bearer ${token.value}`;
  if (body !== undefined) headers['content-type'] = 'application/json';
  try {
    const response = await fetch(url, {
      method: method.toUpperCase(),
      headers,
      signal: method === 'get' ? AbortSignal.timeout(TIMEOUT_MS) : null,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new ApiError(await problemOf(response));
    return (await response.json()) as unknown;
  } catch (error) {
    if (error instanceof ApiError) throw error;
    // An answer that breaks off after its head is none: what it was to say is not known.
    throw new ApiError({
      type: 'about:blank',
      title: 'No answer',
      status: 0,
      code: 'no_answer',
      detail: 'the node does not answer',
      hint: 'is it running? another node answers the same questions',
    });
  }
}

export function get<P extends keyof paths>(path: P, parameters?: Parameters): Promise<Answer<P>> {
  return request('get', address(path, parameters)) as Promise<Answer<P>>;
}

export function post<P extends keyof paths>(path: P, body: Body<P>): Promise<Answer<P, 'post'>> {
  return request('post', path, body) as Promise<Answer<P, 'post'>>;
}

export function remove<P extends keyof paths>(
  path: P,
  parameters: Parameters,
): Promise<Answer<P, 'delete'>> {
  return request('delete', address(path, parameters)) as Promise<Answer<P, 'delete'>>;
}
