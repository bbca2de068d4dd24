import assert from "node:assert/strict";

/**
 * Checks that `actual` has everything that `expected` has: objects may hold more members, arrays may not hold more
 * items; bytes and numbers are compared by value. Names the place of a difference.
 */
export function assertIncludes(actual: unknown, expected: unknown, at: string = "value"): void {
  if (ArrayBuffer.isView(expected) && !(expected instanceof Float32Array)) {
    assert.deepEqual(actual, expected, `${at} differs`);
    return;
  }
  if (Array.isArray(expected) || expected instanceof Float32Array) {
    const list = actual as ArrayLike<unknown>;
    assert.ok(Array.isArray(actual) || actual instanceof Float32Array, `${at} should be a list`);
    assert.equal(list.length, expected.length, `${at} should have ${expected.length} items`);
    for (let index = 0; index < expected.length; index++) {
      assertIncludes(list[index], expected[index], `${at}[${index}]`);
    }
    return;
  }
  if (typeof expected === "object" && expected !== null) {
    assert.ok(typeof actual === "object" && actual !== null, `${at} should be an object, is ${String(actual)}`);
    for (const [name, member] of Object.entries(expected)) {
      assertIncludes((actual as Record<string, unknown>)[name], member, `${at}.${name}`);
    }
    return;
  }
  assert.deepEqual(actual, expected, `${at} should be ${String(expected)}, is ${String(actual)}`);
}

/** The value without members that are undefined, at any depth: `{ a: undefined }` and `{}` say the same. */
export function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([name, member]) => [name, withoutUndefined(member)]),
  );
}
