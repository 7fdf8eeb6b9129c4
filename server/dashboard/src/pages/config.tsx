// What this node was told at start, and by what: the file, the environment, a flag, or the default.

import type { Version } from '../../generated/schema';
import { Columns, type Column } from '../parts/columns';
import { ProblemNote } from '../parts/problem';
import { Panel, Scroll } from '../parts/panel';
import { useFetched } from '../parts/fetched';
import { choose, route } from '../router';

// Of a source that is "FILE:LINE".
const DIRECTORY = /^.*\/(?=[^/]+:\d+$)/;

// The files that values were read from: the page says them once, and only their last part beside
// each value.
function filesOf(sources: readonly string[]): readonly string[] {
  const files = sources.filter((source) => DIRECTORY.test(source));
  return [...new Set(files.map((source) => source.replace(/:\d+$/, '')))];
}

const COLUMNS: readonly Column[] = [
  { head: 'Key' },
  { head: 'Value' },
  { head: 'From' },
  { head: 'What it does' },
];

export default function ConfigPage() {
  const { data, problem } = useFetched('/api/config');
  const version = useFetched('/api/version');
  const files = filesOf(data?.keys.map(({ source }) => source) ?? []);
  const find = route.value.query.find ?? '';
  const wanted = find.toLowerCase();
  const keys = data?.keys.filter(({ key, value, source, description }) =>
    `${key} ${value} ${source} ${description}`.toLowerCase().includes(wanted),
  );
  return (
    <>
      <div class="page-head">
        <h1>Configuration of {data ? `node ${data.node}` : 'this node'}</h1>
        <p class="muted">
          {version.data && <Program version={version.data} />}
          {files.length > 0 && `; read from ${files.join(', ')}`}
        </p>
      </div>
      {problem && <ProblemNote problem={problem} />}
      <Panel
        title="Values"
        aside={
          <label class="small">
            Find{' '}
            <input
              type="search"
              value={find}
              onInput={(event) => choose({ find: event.currentTarget.value })}
            />
          </label>
        }
      >
        <Scroll label="Values">
          <table>
            <Columns of={COLUMNS} />
            <tbody>
              {keys?.map(({ key, value, source, secret, description }) => (
                <tr key={key}>
                  <th scope="row">
                    <code>{key}</code>
                  </th>
                  <td class="text">
                    {secret ? <span class="muted">not shown</span> : <code>{value}</code>}
                    {!secret && value === '' && <span class="muted">not set</span>}
                  </td>
                  <td class={source === 'default' ? 'muted' : ''} title={source}>
                    {source.replace(DIRECTORY, '')}
                  </td>
                  <td class="text muted">{description}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
        {keys?.length === 0 && <p class="empty">No key matches.</p>}
      </Panel>
    </>
  );
}

function Program({ version: { version, compiler, writes } }: { version: Version }) {
  return (
    <>
      quorumbookd {version}, {compiler}; changes over HTTP are {writes ? 'on' : 'off'}
    </>
  );
}
