// A cluster of real daemons on loopback, made by deploy/local-cluster.sh in a directory of its own.

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
// Of all clusters here: traders and operators have tokens of their own.
export const OPERATOR_TOKEN = 'token-of-operators';
const BUILD = resolve(process.env.QUORUMBOOK_BUILD ?? join(ROOT, 'build/release'));

export class Cluster {
  readonly directory = mkdtempSync(join(tmpdir(), 'quorumbook-web-'));
  private basePort = 0;

  constructor(readonly nodes = 3) {}

  async up(): Promise<void> {
    this.basePort = await freeBasePort(this.nodes);
    await this.script('up', '--nodes', String(this.nodes), '--base-port', String(this.basePort));
  }

  async down(): Promise<void> {
    await this.script('down').catch(async () => {
      for (let node = 1; node <= this.nodes; node++) await this.kill(node).catch(() => undefined);
    });
    rmSync(this.directory, { recursive: true, force: true });
  }

  // kill -9
  kill(node: number): Promise<string> {
    return this.script('kill', String(node));
  }

  start(node: number): Promise<string> {
    return this.script('start', String(node));
  }

  // The process stands still, and its connections stay open.
  pause(node: number): void {
    process.kill(this.pid(node), 'SIGSTOP');
  }

  resume(node: number): void {
    process.kill(this.pid(node), 'SIGCONT');
  }

  // Where the node's dashboard is, by its configuration.
  url(node: number): string {
    const config = readFileSync(
      join(this.directory, 'cluster', `node${node}`, 'config.yaml'),
      'utf8',
    );
    const address = /^listen:\n(?: .*\n)*? +http: *(\S+)/m.exec(config)?.[1];
    if (!address) throw new Error(`node ${node} has no listen.http:\n${config}`);
    return `http://${address}`;
  }

  // What lets a page trade.
  token(): string {
    return readFileSync(join(this.directory, 'cluster/http-token'), 'utf8').trim();
  }

  // What `qb -o json ...` prints.
  async qb(...args: string[]): Promise<unknown> {
    const ports = Array.from({ length: this.nodes }, (_, at) => this.basePort + at + 1);
    const endpoints = ports.map((port) => `127.0.0.1:${port}`).join();
    const all = ['--endpoints', endpoints, '-o', 'json', ...args];
    return JSON.parse(await run(join(BUILD, 'bin/qb'), all));
  }

  async leader(): Promise<number> {
    const { nodes } = (await this.qb('cluster', 'status')) as {
      nodes: { id: number; replicas?: { role: string }[] }[];
    };
    const found = nodes.find(({ replicas }) => replicas?.some(({ role }) => role === 'leader'));
    if (!found) throw new Error('no leader');
    return found.id;
  }

  // The file has it first, and then when the process began.
  private pid(node: number): number {
    const file = join(this.directory, 'cluster', `node${node}`, 'pid');
    return Number(readFileSync(file, 'utf8').split(' ')[0]);
  }

  private script(...args: string[]): Promise<string> {
    const options = ['--dir', join(this.directory, 'cluster'), '--build-dir', BUILD];
    return run(join(ROOT, 'deploy/local-cluster.sh'), [...args, ...options]);
  }
}

function run(program: string, args: string[]): Promise<string> {
  return new Promise((done, fail) => {
    const env = { ...process.env, QUORUMBOOK_HTTP_OPERATOR_TOKEN: OPERATOR_TOKEN };
    execFile(program, args, { cwd: ROOT, env }, (error, stdout, stderr) => {
      if (error) fail(new Error(`${program} ${args.join(' ')}:\n${stdout}${stderr}`));
      else done(stdout);
    });
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const probe = createServer();
    probe.once('error', () => done(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => done(true)));
  });
}

// The ports that deploy/local-cluster.sh gives to nodes 1 to `nodes` are free.
async function freeBasePort(nodes: number): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const base = 11_000 + Math.floor(Math.random() * 20_000);
    const offsets = [0, 100, PORT_OF_HTTP];
    const ports = offsets.flatMap((offset) =>
      Array.from({ length: nodes }, (_, at) => base + offset + at + 1),
    );
    const free = await Promise.all(ports.map(isFree));
    if (free.every(Boolean)) return base;
  }
  throw new Error('found no free ports');
}

const PORT_OF_HTTP = 1079;
