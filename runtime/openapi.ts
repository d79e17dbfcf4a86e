// The API's description (OpenAPI 3.1), made from what the functions declare: nothing of it is written by hand but the
// words that hold for all.
import { type ZodType, z } from "zod";
import { ErrorBody } from "#shared/api/schemas.ts";
import { type HttpFunction, PlainText, Streamed } from "./define.ts";
import type { Route } from "./scan.ts";

type Json = Record<string, unknown>;

const ABOUT = `The API of a small cloud.

- Success is always 200; where there is nothing to say, the answer is \`null\`.
- Every method takes its arguments as a JSON object in the body, also GET and DELETE, under any content type. Not every
  client can send a body with GET: a browser cannot, so "Try it out" leaves it away.
- An argument that is not known is 400, and the nearest one that is known is named.
- Every error is \`{error, status, request_id}\`. What is not the caller's does not exist: 404.
- A token of POST /auth is good for 15 minutes. The namespace \`system\` may do everything.`;

const GET_BODY = "A body with this method: not every client can send one.";

/** What any call can answer, and what follows from how it is declared. */
const PROBLEMS: readonly [status: string, meaning: string, applies: (definition: HttpFunction) => boolean][] =
  [
    ["400", "The arguments are wrong", () => true],
    ["401", "No token, or not one that may do this", ({ access }) => access !== "anyone"],
    ["404", "There is no such object, or it is not the caller's", ({ find }) => find !== undefined],
    ["503", "A part of the cloud does not answer now: try again", () => true],
    ["default", "Any other problem", () => true],
  ];

/** The same for the same functions, whatever the order in which they were found. */
export function openApiDocument(routes: readonly Route[], version: string): Json {
  const schemas: Json = {};
  const paths: Record<string, Json> = {};
  for (const route of [...routes].sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1))) {
    const path = route.path.replace(/\[(\w+)\]/g, "{$1}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, schemas) };
  }
  register(ErrorBody, schemas);
  return {
    openapi: "3.1.0",
    info: {
      title: "Shaken Fist",
      version,
      description: ABOUT,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(schemas).sort(([one], [other]) => (one < other ? -1 : 1))),
      responses: Object.fromEntries(PROBLEMS.map(([status, meaning]) => [nameOf(status), problem(meaning)])),
      headers: { RequestId: { description: "Stands in the node's log", schema: { type: "string" } } },
      securitySchemes: {
        token: { type: "http", scheme: "bearer", bearerFormat: "JWT", description: "A token of POST /auth." },
      },
    },
  };
}

const keyOf = ({ path, method }: Route): string => `${path} ${method}`;

function operation({ method, path, definition }: Route, schemas: Json): Json {
  const { summary, description, access, input } = definition;
  const parameters = [...path.matchAll(/\[(\w+)\]/g)].map(([, name = ""]) => parameter(name));
  const notes = [description, access === "system" ? "Only for the namespace `system`." : undefined];
  const words = notes.filter((it) => it !== undefined).join(" ");
  return {
    operationId: operationId(method, path),
    tags: [path.split("/")[1] || "api"],
    summary,
    ...(words === "" ? {} : { description: words }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(input === undefined ? {} : { requestBody: requestBody(method, input, schemas) }),
    security: access === "anyone" ? [] : [{ token: [] }],
    responses: { "200": success(definition, schemas), ...problems(definition) },
  };
}

/** `GET /instances/[instance_ref]/events` is `getInstancesByInstanceRefEvents`. */
function operationId(method: string, path: string): string {
  const words = path
    .replace(/\[(\w+)\]/g, "by_$1")
    .split(/[/_-]/)
    .filter((word) => word !== "");
  const capitals = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return method.toLowerCase() + (capitals.join("") || "Index");
}

function parameter(name: string): Json {
  const description = name.endsWith("_ref") ? "Its UUID, or its name where only one has it" : undefined;
  return {
    name,
    in: "path",
    required: true,
    ...(description === undefined ? {} : { description }),
    schema: { type: "string", ...(name.endsWith("_uuid") ? { format: "uuid" } : {}) },
  };
}

function requestBody(method: string, input: ZodType, schemas: Json): Json {
  const schema = jsonSchema(input, "input", schemas);
  const isRequired = Array.isArray(schema.required) && schema.required.length > 0;
  return {
    ...(method === "GET" || method === "DELETE" ? { description: GET_BODY } : {}),
    required: isRequired,
    content: { "application/json": { schema } },
  };
}

function success({ answer }: HttpFunction, schemas: Json): Json {
  return { description: "Done", headers: HEADERS, content: contentOf(answer, schemas) };
}

function contentOf(answer: HttpFunction["answer"], schemas: Json): Json {
  if (answer === PlainText) return { "text/plain": { schema: { type: "string" } } };
  if (answer === Streamed) return { "*/*": { schema: { type: "string", format: "binary" } } };
  return { "application/json": { schema: answerSchema(answer as ZodType | undefined, schemas) } };
}

const answerSchema = (answer: ZodType | undefined, schemas: Json): Json =>
  answer === undefined ? { type: "null" } : jsonSchema(answer, "output", schemas);

const HEADERS = { "X-Request-ID": { $ref: "#/components/headers/RequestId" } };

const problems = (definition: HttpFunction): Json =>
  Object.fromEntries(
    PROBLEMS.filter(([, , applies]) => applies(definition)).map(([status]) => [
      status,
      { $ref: `#/components/responses/${nameOf(status)}` },
    ]),
  );

const nameOf = (status: string): string => (status === "default" ? "Problem" : `Problem${status}`);

const problem = (description: string): Json => ({
  description,
  headers: HEADERS,
  content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
});

function register(schema: ZodType, schemas: Json): void {
  jsonSchema(z.array(schema), "output", schemas);
}

/** As JSON Schema; the ones with a name of their own go to `schemas`. Answers may grow: they forbid no further key. */
function jsonSchema(schema: ZodType, io: "input" | "output", schemas: Json): Json {
  const {
    $schema: _,
    $defs,
    ...made
  } = z.toJSONSchema(schema, {
    io,
    unrepresentable: "any",
    override({ jsonSchema: each }) {
      delete each.id;
      if (each.minimum === Number.MIN_SAFE_INTEGER) delete each.minimum;
      if (each.maximum === Number.MAX_SAFE_INTEGER) delete each.maximum;
      if (io === "output" && each.additionalProperties === false) delete each.additionalProperties;
    },
  }) as Json;
  for (const [name, each] of Object.entries(($defs as Json | undefined) ?? {})) schemas[name] = moved(each);
  return moved(made) as Json;
}

const moved = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value).replaceAll('"#/$defs/', '"#/components/schemas/'));
