import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import type { BudgetLine, Scope } from "@signalbox/kernel";
import type { PostgresLedgerPlugin } from "@signalbox/plugin-ledger-postgres";
import { postgresLedger } from "@signalbox/plugin-ledger-postgres";
import type { RedisPlugin } from "@signalbox/plugin-redis";
import { redis } from "@signalbox/plugin-redis";
import type { Caps } from "./plan.ts";
import { callers, capOf, gatewayRules } from "./plan.ts";

/** What the upstream says, what the ledger says, and where they disagree. Amounts in nano-dollars. */
export interface Verdict {
  /** Of the upstream: attempts that it has charged, and for how much. */
  readonly charged: number;
  readonly bill: bigint;
  readonly rows: number;
  readonly booked: bigint;
  /** Lines with a cap whose calls the upstream has charged more for. */
  readonly violations: readonly string[];
  /** Attempts that were charged and have no row. */
  readonly missing: readonly string[];
  readonly doubles: number;
  /** Rows that say less than was charged. */
  readonly below: readonly string[];
  /** Lines on which ledger, counters and API differ, or on which something is still reserved. */
  readonly drift: readonly string[];
}

interface Row {
  readonly id: string;
  readonly billed: string;
  readonly status: string;
  readonly lines: readonly { readonly scope: Scope; readonly period: string }[] | null;
}

interface Line {
  readonly line: BudgetLine;
  bill: bigint;
  booked: bigint;
}

export interface AuditPlaces {
  readonly redis: string;
  readonly database: string;
  /** The round's name in both. */
  readonly name: string;
  /** What the upstream writes. */
  readonly truth: string;
  readonly caps: Caps;
}

/** Reads the books of one round, past the gateways. */
export class Audit {
  readonly #places: AuditPlaces;
  readonly #redis: RedisPlugin;
  readonly #ledger: PostgresLedgerPlugin;

  private constructor(places: AuditPlaces, counters: RedisPlugin, ledger: PostgresLedgerPlugin) {
    this.#places = places;
    this.#redis = counters;
    this.#ledger = ledger;
  }

  /** After the first gateway has started: the schema is there. */
  static async open(places: AuditPlaces): Promise<Audit> {
    const counters = redis({ url: places.redis, namespace: places.name, timeoutMs: 1_000 });
    await counters.setup?.(undefined as never);
    const ledger = postgresLedger({ url: places.database, schema: places.name, pool: 2 });
    await ledger.setup?.(undefined as never);
    return new Audit(places, counters, ledger);
  }

  /** By how much a line is over its cap at this moment, reservations included. Undefined while nobody can tell. */
  async excess(): Promise<bigint | undefined> {
    try {
      let most = 0n;
      for (const { scope, limit, duration } of everyRule(this.#places.caps)) {
        if (limit === null) continue;
        const period = periodNow(duration);
        const { posted, pending } = await this.#redis.reservationStore.balance({ scope, period, limit });
        if (posted + pending - limit > most) most = posted + pending - limit;
      }
      return most;
    } catch {
      return undefined;
    }
  }

  async verdict(): Promise<Verdict> {
    const truth = readTruth(this.#places.truth);
    const { rows, doubles } = await this.#rows();
    const lines = new Map<string, Line>();
    const known = new Set<string>();
    const under: string[] = [];
    let booked = 0n;
    for (const { id, billed, status, lines: ofRow } of rows) {
      known.add(id);
      booked += BigInt(billed);
      const bill = truth.get(id) ?? 0n;
      if (BigInt(billed) < bill) under.push(`${id} (${status}): ${billed} < ${bill}`);
      for (const { scope, period } of ofRow ?? []) {
        const key = `${scope.kind} ${scope.id} ${period}`;
        const limit = capOf(this.#places.caps, scope, period);
        const line = lines.get(key) ?? { line: { scope, period, limit }, bill: 0n, booked: 0n };
        line.bill += bill;
        line.booked += BigInt(billed);
        lines.set(key, line);
      }
    }
    let bill = 0n;
    for (const nano of truth.values()) bill += nano;
    return {
      charged: truth.size,
      bill,
      rows: rows.length,
      booked,
      doubles,
      missing: [...truth.keys()].filter((id) => !known.has(id)),
      below: under,
      violations: [...lines].flatMap(([key, { line, bill: spent }]) =>
        line.limit !== null && spent > line.limit ? [`${key}: ${spent} > ${line.limit}`] : [],
      ),
      drift: await this.#drift(lines),
    };
  }

  async close(): Promise<void> {
    await this.#redis.close?.();
    await this.#ledger.close?.();
  }

  async #drift(lines: ReadonlyMap<string, Line>): Promise<readonly string[]> {
    const drift: string[] = [];
    for (const [key, { line, booked }] of lines) {
      const { posted, pending } = await this.#redis.reservationStore.balance(line);
      const { billed } = await this.#ledger.entryStore.spent({ scope: line.scope, period: line.period });
      if (posted !== booked || billed !== booked)
        drift.push(`${key}: ledger ${booked}, counter ${posted}, API ${billed}`);
      if (pending !== 0n) drift.push(`${key}: ${pending} is reserved`);
    }
    return drift;
  }

  async #rows(): Promise<{ readonly rows: readonly Row[]; readonly doubles: number }> {
    const client = new pg.Client({ connectionString: this.#places.database });
    await client.connect();
    try {
      const { rows } = await client.query<Row>(`SELECT id, billed, status, lines FROM ${this.#places.name}.entries`);
      return { rows, doubles: rows.length - new Set(rows.map(({ id }) => id)).size };
    } finally {
      await client.end();
    }
  }
}

function everyRule(caps: Caps): ReturnType<typeof gatewayRules> {
  return [...Object.values(callers(caps)).flatMap(({ budgets }) => budgets ?? []), ...gatewayRules(caps)];
}

function periodNow(duration: string | undefined): string {
  if (duration === undefined) return "all";
  return new Date().toISOString().slice(0, duration === "1d" ? 10 : 7);
}

/** What was charged for each attempt. The last line may be torn only if the upstream itself was killed. */
function readTruth(file: string): ReadonlyMap<string, bigint> {
  const truth = new Map<string, bigint>();
  for (const line of readFileSync(file, "utf8").split("\n")) {
    const [id, nano] = line.split(" ");
    if (id !== undefined && nano !== undefined) truth.set(id, (truth.get(id) ?? 0n) + BigInt(nano));
  }
  return truth;
}

/** Segments that are left below the roots of spools. */
export function spoolSegments(roots: readonly string[]): readonly string[] {
  return roots.flatMap((root) =>
    (readdirSync(root, { recursive: true }) as string[])
      .filter((name) => name.endsWith(".log"))
      .map((name) => join(root, name)),
  );
}
