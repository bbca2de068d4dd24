/**
 * The test runner a kit runs in: `{ describe, it }` of vitest, node:test, jest or mocha. Assertions are the kit's own
 * (node:assert).
 */
export interface Runner {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: TestFunction;
}

/** `it` of vitest, `test` of node:test, or anything like them. */
export interface TestFunction {
  (name: string, body: () => Promise<void>): unknown;
  /** Shows cases that a declared capability leaves out. */
  readonly skip?: (name: string, body: () => Promise<void>) => unknown;
}

/** Fails instead of hanging: what must end has this long. */
const CASE_TIMEOUT_MS = 8_000;

/** The promise, or an error that says what did not end. */
export async function within<T>(milliseconds: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Cases of one group: registers, skips what a capability rules out, and bounds the time of each. */
export class Cases {
  readonly #runner: Runner;
  readonly #capabilities: Readonly<Record<string, boolean | undefined>>;

  constructor(runner: Runner, capabilities: object = {}) {
    this.#runner = runner;
    this.#capabilities = capabilities as Readonly<Record<string, boolean | undefined>>;
  }

  group(name: string, body: () => void): void {
    this.#runner.describe(name, body);
  }

  has(capability: string): boolean {
    return this.#capabilities[capability] !== false;
  }

  /** Capabilities are on unless declared `false`; only that skips a case. */
  add(name: string, body: () => Promise<void> | void, needs: readonly string[] = []): void {
    const missing = needs.filter((capability) => !this.has(capability));
    if (missing.length > 0) {
      this.#runner.it.skip?.(`${name} (declared: no ${missing.join(", no ")})`, async () => {});
      return;
    }
    this.#runner.it(name, () => within(CASE_TIMEOUT_MS, name, Promise.resolve().then(body)));
  }
}
