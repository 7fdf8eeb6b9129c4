// The REST API, drawn from the document that the node serves.

import { useFetched } from '../parts/fetched';
import { Panel, Scroll } from '../parts/panel';
import { ProblemNote } from '../parts/problem';
import { fieldsOf, operationsOf, type Document, type Operation } from '../state/openapi';

export default function ApiPage() {
  const { data, problem } = useFetched('/api/openapi.json');
  const document = data as unknown as Document | null;
  return (
    <>
      <div class="page-head">
        <h1>API</h1>
        <p class="muted">
          {document?.info.description} <a href="/api/openapi.json">openapi.json</a>
        </p>
      </div>
      {problem && <ProblemNote problem={problem} />}
      {document && (
        <Panel title="Calls">
          <ul class="rules">
            {operationsOf(document).map((operation) => (
              <Call
                key={`${operation.method} ${operation.path}`}
                operation={operation}
                document={document}
              />
            ))}
          </ul>
        </Panel>
      )}
    </>
  );
}

interface CallProps {
  operation: Operation;
  document: Document;
}

// Answers that go on without end, or switch protocols, have nothing to show in a tab.
const STREAMS = ['/api/stream', '/api/ws'];

function Call({ operation, document }: CallProps) {
  const { method, path, summary, parameters, body, answer, needsToken } = operation;
  const plain = method === 'get' && !parameters.some(({ required }) => required);
  return (
    <li>
      <details>
        <summary>
          <code class={`method ${method}`}>{method.toUpperCase()}</code> <code>{path}</code>{' '}
          <span class="muted">{summary}</span>
          {needsToken && <span class="badge">token</span>}
        </summary>
        {plain && !STREAMS.includes(path) && (
          <p>
            <a href={path}>Open {path}</a>
          </p>
        )}
        {parameters.length > 0 && (
          <>
            <h3>Parameters</h3>
            <dl class="pairs">
              {parameters.map(({ name, required, description }) => (
                <>
                  <dt key={name}>
                    <code>{name}</code>
                    {required && ' (required)'}
                  </dt>
                  <dd>{description}</dd>
                </>
              ))}
            </dl>
          </>
        )}
        {body && <Fields title="Body" schema={body} document={document} />}
        {answer && <Fields title="Answer" schema={answer} document={document} />}
      </details>
    </li>
  );
}

interface FieldsProps {
  title: string;
  schema: string;
  document: Document;
}

function Fields({ title, schema, document }: FieldsProps) {
  return (
    <>
      <h3>
        {title}: {schema}
      </h3>
      <Scroll label={`${title}: ${schema}`}>
        <table class="fields">
          <tbody>
            {fieldsOf(document, schema).map(({ name, type, description }) => (
              <tr key={name}>
                <th scope="row">
                  <code>{name}</code>
                </th>
                <td class="text">
                  <code>{type}</code>
                </td>
                <td class="text muted">{description}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </>
  );
}
