// Reads what the API page shows out of openapi.json. Only what that document uses is understood.

export interface Schema {
  type?: string | readonly string[];
  enum?: readonly unknown[];
  format?: string;
  description?: string;
  items?: Schema;
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  oneOf?: readonly Schema[];
  anyOf?: readonly Schema[];
  $ref?: string;
}

interface RawOperation {
  summary?: string;
  parameters?: readonly { name: string; required?: boolean; description?: string }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
  security?: readonly unknown[];
}

export interface Document {
  info: { description: string };
  paths: Record<string, Record<string, RawOperation>>;
  components: { schemas: Record<string, Schema> };
}

export interface Operation {
  method: string;
  path: string;
  summary: string;
  parameters: readonly { name: string; required: boolean; description: string }[];
  body: string | null; // names of schemas
  answer: string | null;
  needsToken: boolean;
}

export interface Field {
  name: string;
  type: string;
  description: string;
}

function jsonSchema(content: Record<string, { schema: Schema }> | undefined): string | null {
  const reference = content?.['application/json']?.schema.$ref;
  return reference ? nameOf(reference) : null;
}

function nameOf(reference: string): string {
  return reference.slice(reference.lastIndexOf('/') + 1);
}

// In the order of the document.
export function operationsOf(document: Document): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, raw]) => ({
      method,
      path,
      summary: raw.summary ?? '',
      parameters: (raw.parameters ?? []).map(({ name, required, description }) => ({
        name,
        required: required ?? false,
        description: description ?? '',
      })),
      body: jsonSchema(raw.requestBody?.content),
      answer: jsonSchema(raw.responses['200']?.content),
      needsToken: (raw.security ?? []).length > 0,
    })),
  );
}

// "list of string", "Level or null", "buy or sell".
export function typeText(schema: Schema): string {
  if (schema.$ref) return nameOf(schema.$ref);
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return choices.map(typeText).join(' or ');
  if (schema.enum) return schema.enum.map(String).join(' or ');
  if (schema.items) return `list of ${typeText(schema.items)}`;
  return typeof schema.type === 'string' ? schema.type : (schema.type ?? []).join(' or ');
}

// The fields of a named schema; those of objects within it follow as "outer.inner".
export function fieldsOf(document: Document, name: string): Field[] {
  return flatten(document.components.schemas[name] ?? {}, '');
}

function flatten(schema: Schema, prefix: string): Field[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const inner = field.items ?? field;
    const own = {
      name: prefix + name,
      type: typeText(field),
      description: field.description ?? '',
    };
    return [own, ...flatten(inner, `${prefix}${name}.`)];
  });
}
