// Where the time of a commit goes, how far the nodes are from each other, and who was elected.

import type { Raft, Stage } from '../../generated/schema';
import { HistoryChart } from '../charts/history_chart';
import { count, percent, seconds } from '../format/numbers';
import { wholeTime } from '../format/time';
import { Columns, type Column } from '../parts/columns';
import { Empty, Panel, Scroll } from '../parts/panel';
import { Term } from '../parts/term';
import { raft } from '../state/live';

export default function RaftPage() {
  const { value } = raft;
  return (
    <>
      <h1>Raft</h1>
      {value?.shards.map((shard) => (
        <Stages key={shard.shard} shard={shard} window={value.window_seconds} />
      ))}
      <div class="grid">
        {value && <RoundTrips trips={value.round_trips} />}
        {value && <Elections elections={value.elections} />}
        <HistoryChart
          title="Commit p99, by leading node"
          figure="commit"
          unit="time"
          as="seconds"
          series="commit_p99_seconds"
        />
        <HistoryChart
          title="Sync p99, by node"
          figure="sync"
          unit="time"
          as="seconds"
          series="sync_p99_seconds"
        />
      </div>
    </>
  );
}

// In the order in which a command meets them. The other two stages are totals of several of these.
const PARTS: readonly Stage['stage'][] = ['queue', 'append', 'sync', 'replicate', 'apply'];
const TOTALS: readonly Stage['stage'][] = ['commit', 'acknowledge'];

const STAGE_NAMES: Record<Stage['stage'], string> = {
  queue: 'Queue',
  append: 'Append',
  sync: 'Sync',
  replicate: 'Replicate',
  apply: 'Apply',
  commit: 'Commit in all',
  acknowledge: 'Answer in all',
};

const STAGE_COLUMNS: readonly Column[] = [
  { head: 'Stage' },
  { head: 'Mean', number: true },
  { head: 'p50', number: true },
  { head: 'p99', number: true },
  { head: 'Measured', figure: 'stage_count', number: true },
];

function Stages({ shard, window }: { shard: Raft['shards'][number]; window: number }) {
  const find = (name: Stage['stage']) => shard.stages.find(({ stage }) => stage === name);
  const parts = PARTS.map(find).filter((stage) => stage !== undefined);
  const whole = parts.reduce((total, { mean_seconds }) => total + (mean_seconds ?? 0), 0);
  return (
    <Panel
      title={<Term of="stages">{`Where a command’s time goes, shard ${shard.shard}`}</Term>}
      aside={
        <span class="muted small">
          {shard.leader === null ? 'no leader' : `led by node ${shard.leader}`} in term {shard.term}
          , last {window} s
        </span>
      }
    >
      {whole === 0 ? (
        <Empty>Nothing was committed in the last {window} s.</Empty>
      ) : (
        <StageBar parts={parts} whole={whole} />
      )}
      <Scroll label={`Stages of shard ${shard.shard}`}>
        <table>
          <Columns of={STAGE_COLUMNS} />
          <tbody>
            {[...parts, ...TOTALS.map(find).filter((stage) => stage !== undefined)].map((stage) => (
              <tr key={stage.stage}>
                <th scope="row">
                  {PARTS.includes(stage.stage) && (
                    <span class={`swatch part-${PARTS.indexOf(stage.stage) + 1}`} />
                  )}
                  {STAGE_NAMES[stage.stage]}
                </th>
                <td class="number">{seconds(stage.mean_seconds)}</td>
                <td class="number">{seconds(stage.p50_seconds)}</td>
                <td class="number">{seconds(stage.p99_seconds)}</td>
                <td class="number">{count(stage.count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Panel>
  );
}

// Shares of the mean time as one bar; a share that has room says its name.
function StageBar({ parts, whole }: { parts: readonly Stage[]; whole: number }) {
  const share = ({ mean_seconds }: Stage) => (mean_seconds ?? 0) / whole;
  const words = parts.map((stage) => `${STAGE_NAMES[stage.stage]} ${percent(share(stage))}`);
  return (
    <div class="stage-bar" role="img" aria-label={`Shares of the mean time: ${words.join(', ')}`}>
      {parts.map((stage) => (
        <span
          key={stage.stage}
          class={`part-${PARTS.indexOf(stage.stage) + 1}`}
          style={{ flexGrow: share(stage) }}
        >
          {share(stage) > 0.1 && `${STAGE_NAMES[stage.stage]} ${percent(share(stage))}`}
        </span>
      ))}
    </div>
  );
}

function RoundTrips({ trips }: { trips: Raft['round_trips'] }) {
  const members = [...new Set(trips.flatMap(({ from, to }) => [from, to]))].sort((a, b) => a - b);
  const find = (from: number, to: number) =>
    trips.find((trip) => trip.from === from && trip.to === to)?.seconds;
  return (
    <Panel title={<Term of="round_trip">Round trips</Term>}>
      <Scroll label="Round trips">
        <table>
          <Columns
            of={[
              { head: 'From' },
              ...members.map((to) => ({ head: `to node ${to}`, number: true })),
            ]}
          />
          <tbody>
            {members.map((from) => (
              <tr key={from}>
                <th scope="row">node {from}</th>
                {members.map((to) => (
                  <td class="number" key={to}>
                    {from === to ? <span class="muted">itself</span> : seconds(find(from, to))}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {members.length === 0 && <Empty>One node alone has nobody to ask.</Empty>}
    </Panel>
  );
}

const ELECTION_COLUMNS: readonly Column[] = [
  { head: 'When' },
  { head: 'Shard' },
  { head: 'Leader' },
  { head: 'Term', number: true },
];

function Elections({ elections }: { elections: Raft['elections'] }) {
  return (
    <Panel title={<Term of="elections">Elections</Term>}>
      {elections.length === 0 ? (
        <Empty>None since this node first saw who leads.</Empty>
      ) : (
        <Scroll label="Elections, latest first">
          <table>
            <Columns of={ELECTION_COLUMNS} />
            <tbody>
              {elections.slice(0, 12).map(({ time_ms, shard, term, leader }) => (
                <tr key={`${shard} ${term}`}>
                  <td>{wholeTime(time_ms)}</td>
                  <td>{shard}</td>
                  <td>node {leader}</td>
                  <td class="number">{count(term)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </Panel>
  );
}
