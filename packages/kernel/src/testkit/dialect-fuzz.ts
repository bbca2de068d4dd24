import assert from "node:assert/strict";
import type { Dialect } from "../dialect.ts";
import { isGatewayError } from "../errors.ts";
import type { DialectInput } from "./dialect-bench.ts";
import { decode } from "./dialect-bench.ts";

const WRONG: readonly unknown[] = [null, true, 7, -0.5, "kit", "", [], [null], {}, { type: "kit" }, [[]], [{}]];

/** Places in one body that are tried; bodies are small, this is a bound and no sample. */
const MAX_PLACES = 500;

/**
 * Replaces every value of a request, one at a time, by values of other types, and leaves every member out. Each is
 * understood, or refused as the client's fault; never a `TypeError`, which would be the gateway's.
 */
export function checkWrongTypes(dialect: Dialect, input: DialectInput): void {
  for (const body of WRONG) check(dialect, { ...input, body }, "the body");
  for (const place of places(input.body, []).slice(0, MAX_PLACES)) {
    const where = place.join(".");
    for (const value of WRONG) check(dialect, { ...input, body: replaced(input.body, place, value) }, where);
    check(dialect, { ...input, body: replaced(input.body, place, undefined) }, where);
  }
}

function check(dialect: Dialect, input: DialectInput, where: string): void {
  try {
    decode(dialect, input);
  } catch (thrown) {
    const what = `${where} in ${JSON.stringify(input.body)}`;
    assert.ok(isGatewayError(thrown), `${what}: expected a GatewayError, got ${String(thrown)}`);
    assert.ok(thrown.status >= 400 && thrown.status < 500, `${what}: ${thrown.code} is not the client's fault`);
  }
}

type Place = readonly (string | number)[];

function places(value: unknown, prefix: Place): readonly Place[] {
  if (typeof value !== "object" || value === null) return [];
  const members = Array.isArray(value) ? value.entries() : Object.entries(value);
  return [...(members as Iterable<[string | number, unknown]>)].flatMap(([name, member]) => {
    const place = [...prefix, name];
    return [place, ...places(member, place)];
  });
}

/** A copy with one value replaced; members set to undefined are gone on the wire. */
function replaced(value: unknown, place: Place, by: unknown): unknown {
  const [name, ...rest] = place;
  if (name === undefined) return by;
  if (Array.isArray(value)) return value.map((item, index) => (index === name ? replaced(item, rest, by) : item));
  const members = value as Readonly<Record<string, unknown>>;
  if (rest.length === 0 && by === undefined) {
    const { [name]: _, ...others } = members;
    return others;
  }
  return { ...members, [name]: replaced(members[name], rest, by) };
}
