import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import { fieldsOf, operationsOf, type Document } from './openapi';

const document = JSON.parse(
  readFileSync(new URL('../../../../docs/api/openapi.json', import.meta.url), 'utf8'),
) as Document;

describe('the API page', () => {
  const operations = operationsOf(document);

  it('shows every call', () => {
    const names = operations.map(({ method, path }) => `${method} ${path}`);
    expect(names).toContain('get /api/summary');
    expect(names).toContain('delete /api/orders');
    const order = operations.find(
      ({ method, path }) => method === 'post' && path === '/api/orders',
    )!;
    expect(order).toMatchObject({ body: 'NewOrder', answer: 'OrderResult', needsToken: true });
    expect(operations.find(({ path }) => path === '/api/summary')!.needsToken).toBe(false);
  });

  it('finds the fields of every document that is named, with a type', () => {
    for (const { body, answer } of operations) {
      for (const schema of [body, answer]) {
        if (schema === null) continue;
        const fields = fieldsOf(document, schema);
        expect(fields, schema).not.toHaveLength(0);
        for (const { name, type } of fields) expect(type, `${schema}.${name}`).not.toBe('');
      }
    }
  });

  it('shows what objects in lists hold', () => {
    expect(fieldsOf(document, 'Raft').map(({ name }) => name)).toContain('round_trips.seconds');
  });
});
