import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import WebSocket from 'ws';

import { MockServer } from '../../mock/server';
import { MarketSocket, type Socket } from '../state/market_socket';
import { address, ApiError, get, post, token } from './client';
import type { Update } from './market_messages';

const server = new MockServer();
let port = 0;
const { fetch: real } = globalThis;

beforeAll(async () => {
  port = await server.listen(0);
  vi.stubGlobal('fetch', (path: string, options: RequestInit) =>
    real(`http://127.0.0.1:${port}${path}`, options),
  );
});
afterAll(() => {
  vi.unstubAllGlobals();
  server.close();
});

describe('addresses of the API', () => {
  it('have their parts and parameters escaped', () => {
    expect(address('/api/book/{symbol}', { symbol: 'A/B?', levels: 5 })).toBe(
      '/api/book/A%2FB%3F?levels=5',
    );
    expect(address('/api/nodes', { after: undefined })).toBe('/api/nodes');
  });
});

describe('requests', () => {
  it('give what the node answers', async () => {
    expect((await get('/api/health')).sentence).toMatch(/^Healthy/);
  });

  it('give the problem that the node tells', async () => {
    const failed = await get('/api/trades/{symbol}', { symbol: 'X' }).catch(
      (error: unknown) => error,
    );
    expect(failed).toBeInstanceOf(ApiError);
    expect((failed as ApiError).problem).toMatchObject({ status: 404, code: 'unknown_path' });
  });

  it('send the token with what changes something', async () => {
    const body = { symbol: 'ALPHA', account: 1, side: 'buy', quantity: '10' } as const;
    const code = (given: string) => {
      token.value = given;
      return post('/api/orders', body).then(
        ({ status }) => status,
        (error: unknown) => (error as ApiError).problem.code,
      );
    };
    expect(await code('')).toBe('token_required');
    expect(await code('wrong')).toBe('wrong_token');
    expect(await code('right')).toBe('new');
    token.value = '';
  });

  it('say that there is no answer when it breaks off after its head', async () => {
    for (const [status, type] of [
      [200, 'application/json'],
      [422, 'application/problem+json'],
    ] as const) {
      const breaking = createServer((_, response) => {
        response.writeHead(status, { 'content-type': type, 'content-length': 100 });
        response.write('{"title":', () => response.destroy());
      });
      await new Promise<void>((done) => breaking.listen(0, '127.0.0.1', done));
      const { port: at } = breaking.address() as AddressInfo;
      const { fetch: usual } = globalThis;
      vi.stubGlobal('fetch', (path: string, options: RequestInit) =>
        real(`http://127.0.0.1:${at}${path}`, options),
      );
      const order = { symbol: 'ALPHA', account: 1, side: 'buy', quantity: '10' } as const;
      for (const ask of [() => post('/api/orders', order), () => get('/api/health')]) {
        const failed = await ask().catch((error: unknown) => error);
        expect(failed).toBeInstanceOf(ApiError);
        expect((failed as ApiError).problem).toMatchObject({ status: 0, code: 'no_answer' });
      }
      vi.stubGlobal('fetch', usual);
      breaking.close();
    }
  });

  it('say that nobody answers', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('refused')));
    const failed = await get('/api/health').catch((error: unknown) => error);
    expect((failed as ApiError).problem.code).toBe('no_answer');
  });
});

describe('market data over a real WebSocket', () => {
  it('recovers from lost updates', async () => {
    const seen: Update[] = [];
    const socket = new MarketSocket(
      () => new WebSocket(`ws://127.0.0.1:${port}/api/ws`) as unknown as Socket,
    );
    const until = (done: () => boolean) => vi.waitFor(() => expect(done()).toBe(true), 5000);
    const end = socket.subscribe(
      { channel: 'book', symbol: 'ALPHA', levels: 3 },
      (update) => void seen.push(update),
    );
    await until(() => seen.length >= 2);
    server.losing = 1;
    await until(() => seen.filter(({ snapshot }) => snapshot).length === 2);
    expect(socket.gaps).toBe(1);
    await until(() => seen.at(-1)!.sequence >= 2);
    end();
  });

  it('hears of a symbol that does not exist', async () => {
    const socket = new MarketSocket(
      () => new WebSocket(`ws://127.0.0.1:${port}/api/ws`) as unknown as Socket,
    );
    const end = socket.subscribe({ channel: 'book', symbol: 'NONE', levels: 3 }, () =>
      expect.unreachable(),
    );
    await vi.waitFor(() => expect(socket.refusals.value).toHaveLength(1), 5000);
    expect(socket.refusals.value[0]!.reason).toContain("there is no symbol 'NONE'");
    end();
  });
});
