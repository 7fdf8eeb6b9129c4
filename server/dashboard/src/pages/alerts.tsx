// The rules: which fire, which are about to, what each means and what to do. And what fired before.

import type { AlertRule, Alerts } from '../../generated/schema';
import { seconds, valueIn } from '../format/numbers';
import { ago, wholeTime } from '../format/time';
import { Columns, type Column } from '../parts/columns';
import { Empty, Panel, Scroll } from '../parts/panel';
import { State, type Level } from '../parts/state';
import { Term } from '../parts/term';
import { route } from '../router';
import { now } from '../state/freshness';
import { alerts } from '../state/live';
import { byUrgency } from '../state/urgency';

export default function AlertsPage() {
  const rules = byUrgency(alerts.value?.rules ?? []);
  const count = (state: AlertRule['state']) => rules.filter((rule) => rule.state === state).length;
  return (
    <>
      <div class="page-head">
        <h1>Alerts</h1>
        <p class="muted">
          {count('firing')} firing, {count('pending')} pending, {rules.length} rules. The same rules
          are in deploy/prometheus for Prometheus.
        </p>
      </div>
      <Panel title="Rules">
        <ul class="rules">
          {rules.map((rule) => (
            <Rule key={rule.name} rule={rule} />
          ))}
        </ul>
      </Panel>
      <History history={alerts.value?.history ?? []} />
    </>
  );
}

const STATES: Record<AlertRule['state'], string> = {
  inactive: 'quiet',
  pending: 'pending',
  firing: 'firing',
};

function levelOf({ state, severity }: AlertRule): Level {
  if (state === 'firing') return severity === 'critical' ? 'bad' : 'warn';
  return state === 'pending' ? 'warn' : 'ok';
}

function labelled(labels: Readonly<Record<string, unknown>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');
}

function Rule({ rule }: { rule: AlertRule }) {
  const open = rule.state !== 'inactive' || route.value.query.rule === rule.name;
  return (
    <li>
      <details open={open}>
        <summary>
          <State level={levelOf(rule)}>{STATES[rule.state]}</State> <b>{rule.name}</b>{' '}
          <span class="muted">
            {rule.severity}: {rule.summary}
          </span>
        </summary>
        {rule.instances.map((instance) => (
          <p key={labelled(instance.labels)}>
            {instance.message}{' '}
            <span class="muted">
              ({labelled(instance.labels) || 'whole cluster'}, {instance.state} since{' '}
              {wholeTime(instance.since_ms)}, {ago(instance.since_ms, now.value)})
            </span>
          </p>
        ))}
        <dl class="pairs">
          <dt>
            <Term of="threshold">Threshold</Term>
          </dt>
          <dd>{valueIn(rule.unit, rule.threshold)}</dd>
          <dt>
            <Term of="for">For</Term>
          </dt>
          <dd>{rule.for_seconds === 0 ? 'at once' : seconds(rule.for_seconds)}</dd>
          <dt>What to do</dt>
          <dd>{rule.what_to_do}</dd>
          <dt>Runbook</dt>
          <dd>
            <code>docs/operating.md#{rule.runbook.replace(/^.*#/, '')}</code>
          </dd>
          <dt>In PromQL</dt>
          <dd>
            <code class="wrap">{rule.expression}</code>
          </dd>
        </dl>
      </details>
    </li>
  );
}

const HISTORY_COLUMNS: readonly Column[] = [
  { head: 'When' },
  { head: 'Alert' },
  { head: 'Became' },
  { head: 'About' },
  { head: 'Message' },
];

function History({ history }: { history: Alerts['history'] }) {
  return (
    <Panel title="History">
      {history.length === 0 ? (
        <Empty>Nothing fired since this node started.</Empty>
      ) : (
        <Scroll label="What fired, latest first">
          <table>
            <Columns of={HISTORY_COLUMNS} />
            <tbody>
              {history.map(({ time_ms, name, severity, labels, state, message }, at) => (
                <tr key={history.length - at}>
                  <td>{wholeTime(time_ms)}</td>
                  <th scope="row">{name}</th>
                  <td>
                    <State
                      level={state === 'resolved' ? 'ok' : severity === 'critical' ? 'bad' : 'warn'}
                    >
                      {state}
                    </State>
                  </td>
                  <td>{labelled(labels) || 'whole cluster'}</td>
                  <td class="text">{message}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </Panel>
  );
}
