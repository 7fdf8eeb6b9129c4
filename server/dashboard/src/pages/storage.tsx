// The disks: room, speed, and what each shard keeps.

import type { Storage } from '../../generated/schema';
import { HistoryChart } from '../charts/history_chart';
import { bytes, count, percent, seconds, short } from '../format/numbers';
import { Columns, type Column } from '../parts/columns';
import { Panel, Scroll } from '../parts/panel';
import { State } from '../parts/state';
import { storage } from '../state/live';

type NodeStorage = Storage['nodes'][number];

const DISK_COLUMNS: readonly Column[] = [
  { head: 'Node' },
  { head: 'State' },
  { head: 'Store on disk', figure: 'disk_used', number: true },
  { head: 'Disk free', figure: 'disk_free', number: true },
  { head: 'Sync p50', figure: 'sync', number: true },
  { head: 'Sync p99', figure: 'sync', number: true },
  { head: 'Syncs/s', figure: 'sync', number: true },
  { head: 'Write p99', figure: 'write', number: true },
  { head: 'Written/s', figure: 'written', number: true },
  { head: 'Stalls', figure: 'stalls', number: true },
  { head: 'To compact', figure: 'pending_compaction', number: true },
  { head: 'In memory', figure: 'memtable', number: true },
  { head: 'Damaged', figure: 'corruptions', number: true },
];

const SHARD_COLUMNS: readonly Column[] = [
  { head: 'Shard' },
  { head: 'Node' },
  { head: 'Log', figure: 'log_size', number: true },
  { head: 'Entries', number: true },
  { head: 'From, to' },
  { head: 'Snapshot at', figure: 'snapshot', number: true },
  { head: 'Its size', figure: 'snapshot', number: true },
  { head: 'Taken', figure: 'snapshots_taken', number: true },
  { head: 'Received', figure: 'snapshots_received', number: true },
];

export default function StoragePage() {
  const list = storage.value?.nodes ?? [];
  return (
    <>
      <h1>Storage</h1>
      <Panel title="Disks">
        <Scroll label="Disks">
          <table>
            <Columns of={DISK_COLUMNS} />
            <tbody>
              {list.map((node) => (
                <DiskRow key={node.node} node={node} />
              ))}
            </tbody>
          </table>
        </Scroll>
      </Panel>
      <ShardTable list={list} />
      <div class="grid">
        <HistoryChart
          title="Sync p99"
          figure="sync"
          unit="time"
          as="seconds"
          series="sync_p99_seconds"
        />
        <HistoryChart title="Syncs" figure="sync" unit="syncs/s" series="syncs_per_second" />
        <HistoryChart
          title="Written"
          figure="written"
          unit="bytes/s"
          as="bytes"
          series="written_bytes_per_second"
        />
        <HistoryChart
          title="Store on disk"
          figure="disk_used"
          unit="bytes"
          as="bytes"
          series="disk_bytes"
        />
      </div>
    </>
  );
}

function DiskState({ node }: { node: NodeStorage }) {
  if (!node.reachable) return <State level="bad">down</State>;
  return node.disk_full ? <State level="bad">full</State> : <State level="ok">writes</State>;
}

function DiskRow({ node }: { node: NodeStorage }) {
  const { disk_free_bytes: free, disk_capacity_bytes: capacity } = node;
  return (
    <tr class={node.reachable ? '' : 'muted'}>
      <th scope="row">{node.node}</th>
      <td>
        <DiskState node={node} />
      </td>
      <td class="number">{bytes(node.disk_bytes)}</td>
      <td class="number">
        {bytes(free)}
        {free !== null && capacity !== null && ` (${percent(free / capacity)})`}
      </td>
      <td class="number">{seconds(node.sync_p50_seconds)}</td>
      <td class="number">{seconds(node.sync_p99_seconds)}</td>
      <td class="number">{short(node.syncs_per_second)}</td>
      <td class="number">{seconds(node.write_p99_seconds)}</td>
      <td class="number">{bytes(node.written_bytes_per_second)}</td>
      <td class="number">{count(node.write_stalls_total)}</td>
      <td class="number">{bytes(node.pending_compaction_bytes)}</td>
      <td class="number">{bytes(node.memtable_bytes)}</td>
      <td class="number">{count(node.corruptions_total)}</td>
    </tr>
  );
}

function ShardTable({ list }: { list: readonly NodeStorage[] }) {
  return (
    <Panel title="Logs and snapshots">
      <Scroll label="Logs and snapshots">
        <table>
          <Columns of={SHARD_COLUMNS} />
          <tbody>
            {byShard(list).map(({ node, kept }) => (
              <tr key={`${kept.shard} ${node}`}>
                <th scope="row">{kept.shard}</th>
                <td>{node}</td>
                <td class="number">{bytes(kept.log_bytes)}</td>
                <td class="number">{count(kept.log_entries)}</td>
                <td>
                  {count(kept.first_index)} to {count(kept.last_index)}
                </td>
                <td class="number">
                  {kept.snapshot_index === 0 ? 'none yet' : count(kept.snapshot_index)}
                </td>
                <td class="number">
                  {kept.snapshot_index === 0 ? '–' : bytes(kept.snapshot_bytes)}
                </td>
                <td class="number">{count(kept.snapshots_taken_total)}</td>
                <td class="number">{count(kept.snapshots_installed_total)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Panel>
  );
}

function byShard(list: readonly NodeStorage[]) {
  return list
    .flatMap(({ node, shards }) => shards.map((kept) => ({ node, kept })))
    .sort((a, b) => a.kept.shard - b.kept.shard || a.node - b.node);
}
