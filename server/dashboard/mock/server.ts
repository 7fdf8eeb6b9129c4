// The made-up cluster behind the API's paths. It takes any token but "wrong", and can lose updates
// of the market's stream on purpose.

import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { WebSocketServer, type WebSocket } from 'ws';

import type { Subscription } from '../src/api/market_messages';
import type { Config, OrderResult, Problem, Version } from '../generated/schema';
import * as cluster from './cluster';
import * as market from './market';

const UPDATE_MS = 250;

function config(): Config {
  const key = (name: string, value: string, source: string, description: string) => {
    return { key: name, value, source, secret: false, description };
  };
  return {
    cluster_id: 'mock',
    node: 1,
    time_ms: Date.now(),
    unreachable: [],
    keys: [
      key('node.id', '1', 'config.yaml:4', 'this node'),
      key('log.level', 'info', 'default', 'how much is logged'),
    ],
  };
}

function version(): Version {
  const answer = {
    version: '0.1.0',
    api: 1,
    cluster_id: 'mock',
    node: 1,
    compiler: 'none',
    writes: true,
  };
  return answer;
}

function order(): OrderResult {
  return {
    result: 'accepted',
    symbol: 'ALPHA',
    shard: 1,
    account: 1,
    client_order_id: '77',
    order_id: '1234',
    status: 'new',
    leaves_quantity: '10',
    cumulative_quantity: '0',
    reports: [],
  };
}

const DOCUMENTS: Record<string, () => unknown> = {
  '/api/health': cluster.health,
  '/api/summary': cluster.summary,
  '/api/nodes': cluster.nodes,
  '/api/shards': cluster.shards,
  '/api/raft': cluster.raft,
  '/api/storage': cluster.storage,
  '/api/alerts': cluster.alerts,
  '/api/events': cluster.events,
  '/api/timeseries': () => cluster.timeseries(300),
  '/api/symbols': market.symbols,
  '/api/config': config,
  '/api/version': version,
  '/api/openapi.json': () =>
    JSON.parse(readFileSync(new URL('../../../docs/api/openapi.json', import.meta.url), 'utf8')),
};

const WRITES: Record<string, () => unknown> = {
  'POST /api/orders': order,
  'DELETE /api/orders': () => ({ ...order(), status: 'canceled', leaves_quantity: '0' }),
  'POST /api/admin/transfer-leadership': () => ({ shard: 1, leader: 2 }),
};

function say(response: ServerResponse, status: number, body: unknown): void {
  const type = status === 200 ? 'application/json' : 'application/problem+json';
  response.writeHead(status, { 'content-type': type }).end(JSON.stringify(body));
}

function refuse(response: ServerResponse, status: number, code: string): void {
  const hint = 'see docs/http.md';
  const problem: Problem = { type: 'about:blank', title: code, status, code, detail: code, hint };
  say(response, status, problem);
}

function events(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (name: string, data: unknown) =>
    response.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  const each = () => {
    send('summary', cluster.summary());
    send('nodes', cluster.nodes());
    send('shards', cluster.shards());
    send('raft', cluster.raft());
    send('storage', cluster.storage());
  };
  send('timeseries', cluster.timeseries(300));
  send('alerts', cluster.alerts());
  send('events', cluster.events());
  each();
  const timer = setInterval(() => {
    each();
    send('timeseries', cluster.timeseries(1));
  }, 1000);
  response.on('close', () => clearInterval(timer));
}

function handle(request: IncomingMessage, response: ServerResponse): void {
  const path = new URL(request.url ?? '/', 'http://mock').pathname;
  if (path === '/api/stream') return events(response);
  const write = WRITES[`${request.method} ${path}`];
  if (write) {
    const { authorization } = request.headers;
    if (!authorization) return refuse(response, 401, 'token_required');
    if (authorization === 'Bearer wrong') return refuse(response, 401, 'wrong_token');
    return say(response, 200, write());
  }
  const read = DOCUMENTS[path];
  return read ? say(response, 200, read()) : refuse(response, 404, 'unknown_path');
}

type Asked = { op: string } & Subscription;

export class MockServer {
  // How many of the next updates are numbered and not sent.
  losing = 0;
  private readonly server: Server = createServer(handle);
  private readonly streams = new WebSocketServer({ server: this.server, path: '/api/ws' });

  constructor() {
    this.streams.on('connection', (socket) => this.serve(socket));
  }

  // Port 0: one that is free. Returns the port.
  async listen(port: number): Promise<number> {
    await new Promise<void>((done) => this.server.listen(port, '127.0.0.1', done));
    const address = this.server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  close(): void {
    for (const socket of this.streams.clients) socket.terminate();
    this.streams.close();
    this.server.close();
    this.server.closeAllConnections();
  }

  private serve(socket: WebSocket): void {
    const timers = new Map<string, NodeJS.Timeout>();
    const end = (key: string) => clearInterval(timers.get(key));
    socket.on('close', () => timers.forEach((timer) => clearInterval(timer)));
    socket.on('message', (text) => {
      const { op, ...subscription } = JSON.parse(String(text)) as Asked;
      const { channel, symbol } = subscription;
      const key = `${channel} ${symbol}`;
      const about = { channel, symbol };
      end(key);
      if (op === 'unsubscribe') {
        socket.send(JSON.stringify({ type: 'unsubscribed', ...about, reason: 'requested' }));
        return;
      }
      if (!market.SYMBOLS.includes(symbol)) {
        const detail = `there is no symbol '${symbol}'`;
        const error = { type: 'error', code: 'unknown_symbol', detail, hint: 'GET /api/symbols' };
        socket.send(JSON.stringify({ ...error, ...about }));
        return;
      }
      let sequence = 0;
      const next = () => {
        sequence += 1;
        const update = market.update(subscription, sequence);
        if (this.losing > 0) this.losing -= 1;
        else socket.send(JSON.stringify(update));
      };
      next();
      timers.set(key, setInterval(next, UPDATE_MS));
    });
  }
}
