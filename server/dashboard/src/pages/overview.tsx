// How the cluster is at a glance: the verdict, the figures that matter, what happened, the markets.

import { HistoryChart } from '../charts/history_chart';
import { decimals, padded } from '../format/decimal';
import { count, seconds, short, UNKNOWN } from '../format/numbers';
import { signed, tint } from '../market/symbol_list';
import { linkTo } from '../router';
import { Columns, type Column } from '../parts/columns';
import { EventFeed } from '../parts/event_feed';
import { useFetched } from '../parts/fetched';
import { Empty, Panel, Scroll } from '../parts/panel';
import { ProblemNote } from '../parts/problem';
import { State } from '../parts/state';
import { Tile, Tiles } from '../parts/tile';
import { Verdict } from '../parts/verdict';
import { behindOf } from '../state/behind';
import { alerts, events, nodes, summary } from '../state/live';
import { byUrgency } from '../state/urgency';
import type { Figures, Symbol } from '../../generated/schema';

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
        <div class="stack">
          <NodeList />
          <MarketList />
        </div>
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
        note={`${count(figures.symbols)} ${figures.symbols === 1 ? 'symbol' : 'symbols'}`}
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

const MARKETS_SHOWN = 6;
const MARKETS_EVERY_MS = 2000;

const MARKET_COLUMNS: readonly Column[] = [
  { head: 'Symbol' },
  { head: 'Last', figure: 'last', number: true },
  { head: 'Change', figure: 'change', number: true },
  { head: 'Spread', figure: 'spread', number: true },
  { head: 'Trades', number: true },
];

function MarketList() {
  const { data, problem } = useFetched('/api/symbols', { limit: MARKETS_SHOWN }, MARKETS_EVERY_MS);
  if (data === null && problem === null) return null;
  const symbols = data?.symbols ?? [];
  return (
    <Panel title="Markets" aside={<a href={linkTo('market')}>Trade</a>}>
      {problem && <ProblemNote problem={problem} />}
      {data && symbols.length === 0 && (
        <Empty>
          No symbol yet. An operator adds one: <code>qb symbol add NAME</code>
        </Empty>
      )}
      <Behind symbols={symbols} />
      {symbols.length > 0 && (
        <Scroll label="Markets">
          <table>
            <Columns of={MARKET_COLUMNS} />
            <tbody>
              {symbols.map((symbol) => (
                <Market key={symbol.symbol} {...symbol} />
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </Panel>
  );
}

// Figures of a market are those of this node's replica, which may stand still or be late.
function Behind({ symbols }: { symbols: readonly Symbol[] }) {
  const shards = [...new Set(symbols.map(({ shard }) => shard))].sort((a, b) => a - b);
  return shards.map((shard) => {
    const reason = behindOf(nodes.value, shard);
    return (
      reason && (
        <p key={shard}>
          <State level="warn">Markets of shard {shard} are not live</State> at this node: {reason}.
        </p>
      )
    );
  });
}

function Market(of: Symbol) {
  const { symbol, shard, last, change_ratio, tick_size, spread_basis_points, trades } = of;
  return (
    <tr>
      <th scope="row">
        <a href={linkTo('market', { symbol })}>{symbol}</a>{' '}
        {behindOf(nodes.value, shard) && <State level="warn">not live</State>}
      </th>
      <td class="number">{last === null ? UNKNOWN : padded(last, decimals(tick_size))}</td>
      <td class={`number ${tint(change_ratio)}`}>{signed(change_ratio)}</td>
      <td class="number">
        {spread_basis_points === null ? UNKNOWN : `${spread_basis_points.toFixed(1)} bps`}
      </td>
      <td class="number">{count(trades)}</td>
    </tr>
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
