// Which node has which replica, who leads, and how far behind each is. A shard that is chosen shows
// its replicas whole, and where its leadership can be handed.

import { useSignal } from '@preact/signals';

import { ApiError, post, token, type Problem } from '../api/client';
import type { Replica, Shard } from '../../generated/schema';
import { HistoryChart } from '../charts/history_chart';
import { bytes, count, short } from '../format/numbers';
import { Columns, type Column } from '../parts/columns';
import { Empty, Panel, Scroll } from '../parts/panel';
import { ProblemNote } from '../parts/problem';
import { State } from '../parts/state';
import { Term } from '../parts/term';
import { linkTo, route } from '../router';
import { shards } from '../state/live';
import { standing } from '../state/standing';

export default function Shards() {
  const list = shards.value?.shards ?? [];
  const chosen = list.find(({ shard }) => String(shard) === route.value.query.shard);
  const only = list.length === 1 ? list[0] : undefined;
  const shown = chosen ?? only;
  return (
    <>
      <div class="page-head">
        <h1>Shards</h1>
        <p class="muted">
          Each is a Raft group of its own, over the nodes that have a replica of it.
        </p>
      </div>
      <Panel title="Node by shard">
        {list.length === 0 ? <Empty>No shard is known yet.</Empty> : <Matrix list={list} />}
      </Panel>
      {shown && <ShardDetails shard={shown} />}
      <div class="grid">
        <HistoryChart
          title="Worst lag of a node’s replicas"
          figure="lag"
          unit="log entries"
          series="replica_lag_entries"
        />
        <HistoryChart
          title="Committed and not yet executed"
          figure="apply_lag"
          unit="log entries"
          series="apply_lag_entries"
        />
      </div>
    </>
  );
}

const SHARD_COLUMNS: readonly Column[] = [
  { head: 'Shard' },
  { head: 'Leader', figure: 'leader' },
  { head: 'Term', figure: 'term', number: true },
  { head: 'Commands/s', figure: 'commands', number: true },
];

function Matrix({ list }: { list: readonly Shard[] }) {
  const columns = [...new Set(list.flatMap(({ replicas }) => replicas.map(({ node }) => node)))];
  columns.sort((a, b) => a - b);
  return (
    <Scroll label="Node by shard">
      <table>
        <Columns of={[...SHARD_COLUMNS, ...columns.map((node) => ({ head: `Node ${node}` }))]} />
        <tbody>
          {list.map((shard) => (
            <tr key={shard.shard}>
              <th scope="row">
                <a href={linkTo('shards', { shard: String(shard.shard) })}>Shard {shard.shard}</a>
              </th>
              <td>
                {shard.leader === null ? <State level="bad">none</State> : `node ${shard.leader}`}
              </td>
              <td class="number">{count(shard.term)}</td>
              <td class="number">{short(shard.commands_per_second)}</td>
              {columns.map((node) => (
                <td key={node}>
                  <Cell replica={shard.replicas.find((replica) => replica.node === node)} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function Cell({ replica }: { replica: Replica | undefined }) {
  if (!replica) return <span class="muted">no replica</span>;
  const [level, word] = standing(replica);
  const lag = replica.role === 'leader' || !replica.reachable ? null : replica.lag_entries;
  return (
    <>
      <State level={level}>{replica.role === 'leader' ? <b>{word}</b> : word}</State>
      {lag !== null && <span class="muted small"> lag {count(lag)}</span>}
    </>
  );
}

const REPLICA_COLUMNS: readonly Column[] = [
  { head: 'Node' },
  { head: 'Role', figure: 'role' },
  { head: 'Member', figure: 'member' },
  { head: 'Term', figure: 'term', number: true },
  { head: 'Commit', figure: 'commit_index', number: true },
  { head: 'Applied', figure: 'applied_index', number: true },
  { head: 'Lag', figure: 'lag', number: true },
  { head: 'To execute', figure: 'apply_lag', number: true },
  { head: 'Event', figure: 'event_sequence', number: true },
  { head: 'Log', figure: 'log_size', number: true },
  { head: 'Open orders', figure: 'open_orders', number: true },
];

function changes(times: number): string {
  return times === 1 ? '1 change of leader' : `${count(times)} changes of leader`;
}

function ShardDetails({ shard }: { shard: Shard }) {
  return (
    <Panel
      title={`Replicas of shard ${shard.shard}`}
      aside={
        <span class="muted small">
          <Term of="leader_changes">{changes(shard.leader_changes)}</Term>,{' '}
          <Term of="commits">{short(shard.commits_per_second)} entries/s</Term>
          {shard.changing_members && ', a change of members is under way'}
        </span>
      }
    >
      <Scroll label={`Replicas of shard ${shard.shard}`}>
        <table>
          <Columns of={REPLICA_COLUMNS} />
          <tbody>
            {shard.replicas.map((replica) => (
              <ReplicaRow key={replica.node} replica={replica} />
            ))}
          </tbody>
        </table>
      </Scroll>
      <Transfer shard={shard} />
    </Panel>
  );
}

function ReplicaRow({ replica }: { replica: Replica }) {
  const [level, word] = standing(replica);
  return (
    <tr class={replica.reachable ? '' : 'muted'}>
      <th scope="row">{replica.node}</th>
      <td>
        <State level={level}>{word}</State>
      </td>
      <td>{replica.kind?.replace('_', ' ') ?? 'none'}</td>
      <td class="number">{count(replica.term)}</td>
      <td class="number">{count(replica.commit_index)}</td>
      <td class="number">{count(replica.applied_index)}</td>
      <td class="number">{count(replica.lag_entries)}</td>
      <td class="number">{count(replica.apply_lag_entries)}</td>
      <td class="number">{count(replica.event_sequence)}</td>
      <td class="number">{bytes(replica.log_bytes)}</td>
      <td class="number">{count(replica.open_orders)}</td>
    </tr>
  );
}

function Transfer({ shard }: { shard: Shard }) {
  const busy = useSignal(false);
  const said = useSignal<string | null>(null);
  const problem = useSignal<Problem | null>(null);
  const targets = shard.replicas.filter(
    ({ node, reachable, kind }) => node !== shard.leader && reachable && kind === 'voter',
  );
  const hand = async (target: number) => {
    busy.value = true;
    said.value = problem.value = null;
    try {
      const body = { shard: shard.shard, target };
      const { leader } = await post('/api/admin/transfer-leadership', body);
      said.value = `Node ${leader} leads shard ${shard.shard}.`;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      problem.value = error.problem;
    } finally {
      busy.value = false;
    }
  };
  if (!token.value) {
    return (
      <p class="muted small">
        Operators can hand the leadership over here, once changes are unlocked at the top.
      </p>
    );
  }
  return (
    <>
      <div class="choices" role="group" aria-label="Hand the leadership over">
        Hand the leadership to
        {targets.map(({ node }) => (
          <button type="button" key={node} disabled={busy.value} onClick={() => void hand(node)}>
            node {node}
          </button>
        ))}
        {targets.length === 0 && <span class="muted">no other voter that answers</span>}
      </div>
      <p role="status">{busy.value ? 'Under way' : said.value}</p>
      {problem.value && <ProblemNote problem={problem.value} />}
    </>
  );
}
