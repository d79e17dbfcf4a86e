// What owners note about instances and networks: the same calls for both.
import { json, nothing, refused } from "../answers.ts";
import type { Row } from "../row.ts";

const NO_KEY = refused(400, "no key specified");
const NO_VALUE = refused(400, "no value specified");

const values: [string, unknown][] = [
  ["text", "1"],
  ["a number", 1],
  ["true", true],
  ["a list", ["x", null]],
  ["an object", { a: { b: 0 } }],
];
const falsy: [string, unknown][] = [
  ["null", null],
  ["empty text", ""],
  ["zero", 0],
  ["false", false],
];

function rowsOf(noun: string, variable: string): Row[] {
  const all = `/${noun}s/[${variable}]/metadata`;
  const one = `${all}/[key]`;
  const path = `/${noun}s/{${noun}}/metadata`;
  const NOT_FOUND = refused(404, `${noun} not found`);
  const others = (route: string, body?: unknown): Row[] => {
    const [method] = route.split(" ");
    const there = `${method} /${noun}s/{nowhere}/metadata${route.endsWith("[key]") ? "/x" : ""}`;
    return [
      { of: route, says: "others'", as: "b", body, gets: NOT_FOUND },
      { of: route, says: "no such one", ask: there, body, gets: NOT_FOUND },
    ];
  };
  return [
    { of: `GET ${all}`, says: "none yet", gets: json({}) },
    ...others(`GET ${all}`),
    { of: `POST ${all}`, says: "a key and a value", body: { key: "made", value: "x" }, gets: nothing },
    { of: `POST ${all}`, says: "another value", body: { key: "made", value: "y" }, gets: nothing },
    { of: `POST ${all}`, says: "no key", body: { value: "x" }, gets: NO_KEY },
    { of: `POST ${all}`, says: "no value", body: { key: "x" }, gets: NO_VALUE },
    {
      of: `POST ${all}`,
      says: "a key of every object",
      body: { key: "__proto__", value: "x" },
      gets: nothing,
    },
    ...others(`POST ${all}`, { key: "x", value: "x" }),
    ...values.map(([says, value]) => ({
      ...{
        of: `PUT ${one}`,
        says,
        ask: `PUT ${path}/${says.replace(" ", "%20")}`,
        body: { value },
        gets: nothing,
      },
    })),
    ...falsy.map(([what, value]) => ({
      ...{ of: `PUT ${one}`, says: `${what} is no value`, body: { value }, gets: NO_VALUE },
    })),
    ...others(`PUT ${one}`, { value: "x" }),
    {
      ...{ of: `GET ${all}`, says: "as they were given" },
      gets: json({ made: "y", ...Object.fromEntries(values), ...JSON.parse('{"__proto__": "x"}') }),
    },
    { of: `DELETE ${one}`, says: "a key", ask: `DELETE ${path}/a%20list`, gets: nothing },
    {
      ...{ of: `DELETE ${one}`, says: "a key that is gone", ask: `DELETE ${path}/a%20list` },
      gets: refused(404, "key not found"),
    },
    {
      ...{ of: `DELETE ${one}`, says: "a key that every object has", ask: `DELETE ${path}/constructor` },
      gets: refused(404, "key not found"),
    },
    ...others(`DELETE ${one}`),
  ];
}

export const metadata = [...rowsOf("instance", "instance_ref"), ...rowsOf("network", "network_ref")];
