// How the cluster is, at a glance: the verdict, the figures that matter, what happened.

import { HistoryChart } from '../charts/history_chart';
import { count, seconds, short } from '../format/numbers';
import { linkTo } from '../router';
import { Columns, type Column } from '../parts/columns';
import { EventFeed } from '../parts/event_feed';
import { Panel } from '../parts/panel';
import { State } from '../parts/state';
import { Tile, Tiles } from '../parts/tile';
import { Verdict } from '../parts/verdict';
import { alerts, events, nodes, summary } from '../state/live';
import { byUrgency } from '../state/urgency';
import type { Figures } from '../../generated/schema';

export default function Overview() {
  const { value } = summary;
  return (
    <>
      {value && <Verdict health={value.health} />}
      {value && <FigureTiles figures={value.figures} />}
      <FiringAlerts />
      <div class="grid">
        <HistoryChart
          title="Orders and fills"
          figure="orders"
          unit="per second"
          sums={[
            ['orders_per_second', 'orders/s'],
            ['fills_per_second', 'fills/s'],
          ]}
        />
        <HistoryChart
          title="Commit p99, by leading node"
          figure="commit"
          unit="time"
          as="seconds"
          series="commit_p99_seconds"
        />
        <Panel title="Events" aside={<a href="/api/events">as JSON</a>}>
          <EventFeed events={events.value} />
        </Panel>
        <NodeList />
      </div>
    </>
  );
}

function FigureTiles({ figures }: { figures: Figures }) {
  return (
    <Tiles>
      <Tile
        figure="orders"
        label="Orders/s"
        value={short(figures.orders_per_second)}
        note={`${short(figures.commands_per_second)} commands/s`}
      />
      <Tile
        figure="fills"
        label="Fills/s"
        value={short(figures.fills_per_second)}
        note={`${short(figures.rejects_per_second)} rejects/s`}
      />
      <Tile
        figure="commit"
        label="Commit p50"
        value={seconds(figures.commit_p50_seconds)}
        note={
          figures.commit_p50_seconds === null
            ? 'no commit in 10 s'
            : `answer ${seconds(figures.acknowledge_p50_seconds)}`
        }
      />
      <Tile
        figure="commit"
        label="Commit p99"
        value={seconds(figures.commit_p99_seconds)}
        note={
          figures.commit_p99_seconds === null
            ? 'no commit in 10 s'
            : `answer ${seconds(figures.acknowledge_p99_seconds)}`
        }
      />
      <Tile
        figure="worst_lag"
        label="Worst lag"
        value={count(figures.worst_replica_lag_entries)}
        note="log entries"
      />
      <Tile
        figure="alerts_firing"
        label="Alerts firing"
        value={count(figures.alerts_firing)}
        note={`${count(figures.alerts_pending)} pending`}
      />
      <Tile
        figure="open_orders"
        label="Open orders"
        value={short(figures.open_orders)}
        note={`${count(figures.symbols)} symbols`}
      />
    </Tiles>
  );
}

function FiringAlerts() {
  const rules = alerts.value?.rules ?? [];
  const firing = byUrgency(rules.filter(({ state }) => state === 'firing'));
  if (firing.length === 0) return null;
  return (
    <Panel title="Firing alerts" aside={<a href={linkTo('alerts')}>All alerts</a>}>
      <ul>
        {firing.map(({ name, severity, instances, what_to_do }) => (
          <li key={name}>
            <State level={severity === 'critical' ? 'bad' : 'warn'}>
              <a href={linkTo('alerts', { rule: name })}>{name}</a>
            </State>{' '}
            {instances.map(({ message }) => message).join('; ')}.{' '}
            <span class="muted">{what_to_do}</span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

const NODE_COLUMNS: readonly Column[] = [
  { head: 'Node' },
  { head: 'State' },
  { head: 'Leads' },
  { head: 'CPU', number: true },
];

function NodeList() {
  return (
    <Panel title="Nodes" aside={<a href={linkTo('nodes')}>Details</a>}>
      <table>
        <Columns of={NODE_COLUMNS} />
        <tbody>
          {nodes.value?.nodes.map((node) => (
            <tr key={node.node}>
              <th scope="row">
                {node.node} {node.is_self && <span class="muted">(this)</span>}
              </th>
              <td>
                <NodeState {...node} />
              </td>
              <td>
                {node.leads_shards.length === 0
                  ? 'no shard'
                  : `shard ${node.leads_shards.join(', ')}`}
              </td>
              <td class="number">
                {node.reachable && node.cpu_ratio !== null
                  ? `${Math.round(node.cpu_ratio * 100)} %`
                  : '–'}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

interface NodeStateProps {
  reachable: boolean;
  ready: boolean | null;
}

function NodeState({ reachable, ready }: NodeStateProps) {
  if (!reachable) return <State level="bad">down</State>;
  return ready ? <State level="ok">ready</State> : <State level="warn">not ready</State>;
}
