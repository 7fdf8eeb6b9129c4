// Every node beside the others: a column a node, a row a figure.

import type { ComponentChildren } from 'preact';

import type { Node } from '../../generated/schema';
import { HistoryChart } from '../charts/history_chart';
import { bytes, count, percent, seconds, short, UNKNOWN } from '../format/numbers';
import { ago, wholeTime } from '../format/time';
import type { Figure } from '../glossary';
import { pageOfNode } from '../parts/elsewhere';
import { Panel, Scroll } from '../parts/panel';
import { State } from '../parts/state';
import { Term } from '../parts/term';
import { now } from '../state/freshness';
import { nodes } from '../state/live';

type Row = readonly [figure: Figure, label: string, show: (node: Node) => ComponentChildren];

const ROWS: readonly Row[] = [
  ['ready', 'State', (node) => <Readiness node={node} />],
  ['leads', 'Leads shards', ({ leads_shards }) => leads_shards.join(', ') || 'none'],
  ['last_seen', 'Last answer', lastAnswer],
  [
    'status_round_trip',
    'Round trip',
    ({ is_self, ...node }) => own(is_self, node.round_trip_seconds),
  ],
  [
    'clock_offset',
    'Clock offset',
    ({ is_self, ...node }) => own(is_self, node.clock_offset_seconds),
  ],
  ['version', 'Version', ({ version }) => version ?? UNKNOWN],
  ['uptime', 'Up', uptime],
  ['cpu', 'CPU', ({ cpu_ratio }) => percent(cpu_ratio)],
  ['memory', 'Memory', ({ memory_resident_bytes }) => bytes(memory_resident_bytes)],
  ['threads', 'Threads', ({ threads }) => count(threads)],
  [
    'open_files',
    'Open files',
    (node) => `${count(node.open_files)} of ${count(node.max_open_files)}`,
  ],
  ['disk_used', 'Store on disk', ({ disk_bytes }) => bytes(disk_bytes)],
  ['disk_free', 'Disk free', diskFree],
  ['grpc_calls', 'gRPC calls/s', ({ grpc_calls_per_second }) => short(grpc_calls_per_second)],
  ['grpc_errors', 'gRPC errors/s', ({ grpc_errors_per_second }) => short(grpc_errors_per_second)],
  ['subscribers', 'Market data streams', (node) => count(node.market_data_subscribers)],
  ['http_connections', 'HTTP connections', ({ http_connections }) => count(http_connections)],
];

function own(is_self: boolean, value: number | null) {
  return is_self ? 'itself' : seconds(value);
}

function lastAnswer({ last_seen_ms }: Node) {
  if (last_seen_ms === null) return 'never';
  return <span title={wholeTime(last_seen_ms)}>{ago(last_seen_ms, now.value)}</span>;
}

function uptime({ uptime_seconds, started_ms }: Node) {
  return (
    <span title={started_ms === null ? '' : `since ${wholeTime(started_ms)}`}>
      {seconds(uptime_seconds)}
    </span>
  );
}

function diskFree({ disk_free_bytes, disk_capacity_bytes }: Node) {
  if (disk_free_bytes === null || disk_capacity_bytes === null) return bytes(disk_free_bytes);
  return `${bytes(disk_free_bytes)} (${percent(disk_free_bytes / disk_capacity_bytes)})`;
}

function Readiness({ node }: { node: Node }) {
  if (!node.reachable) {
    return (
      <>
        <State level="bad">down</State>
        <span class="muted small"> {node.reason}</span>
      </>
    );
  }
  if (node.ready) return <State level="ok">ready</State>;
  return (
    <>
      <State level="warn">not ready</State>
      <span class="muted small"> {node.not_ready.join('; ')}</span>
    </>
  );
}

export default function Nodes() {
  const list = nodes.value?.nodes ?? [];
  return (
    <>
      <div class="page-head">
        <h1>Nodes</h1>
        <p class="muted">Figures of a node that is down are the last that it gave.</p>
      </div>
      <Panel title="Side by side">
        <Scroll label="Nodes side by side">
          <table>
            <thead>
              <tr>
                <th scope="col">Figure</th>
                {list.map((node) => (
                  <th scope="col" key={node.node}>
                    <NodeHead node={node} />
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {ROWS.map(([figure, label, show]) => (
                <tr key={figure}>
                  <th scope="row">
                    <Term of={figure}>{label}</Term>
                  </th>
                  {list.map((node) => (
                    <td
                      key={node.node}
                      class={`${figure === 'ready' ? 'text' : ''} ${node.reachable ? '' : 'muted'}`}
                    >
                      {show(node)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      </Panel>
      <div class="grid">
        <HistoryChart title="CPU" figure="cpu" unit="of one core" as="percent" series="cpu_ratio" />
        <HistoryChart
          title="Memory"
          figure="memory"
          unit="bytes"
          as="bytes"
          series="memory_resident_bytes"
        />
        <HistoryChart
          title="Commands executed as leader"
          figure="commands"
          unit="commands/s"
          series="commands_per_second"
        />
        <HistoryChart
          title="gRPC calls"
          figure="grpc_calls"
          unit="calls/s"
          series="grpc_calls_per_second"
        />
      </div>
    </>
  );
}

function NodeHead({ node: { node, is_self, http, client_address } }: { node: Node }) {
  const page = is_self ? null : pageOfNode(http);
  return (
    <>
      {page ? <a href={page}>Node {node}</a> : `Node ${node}`}
      {is_self && ' (this)'}
      <div class="muted small">{client_address}</div>
    </>
  );
}
