import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ChildProgram } from "../../child-program.ts";
import type { Verdict } from "./audit.ts";
import { Audit, spoolSegments } from "./audit.ts";
import type { Fares } from "./crowd.ts";
import { crowd } from "./crowd.ts";
import type { Exits } from "./fleet.ts";
import { Fleet } from "./fleet.ts";
import type { OwnServer } from "./own-servers.ts";
import type { Caps } from "./plan.ts";
import { callers, capsOf } from "./plan.ts";

/** The servers of a run. */
export interface World {
  readonly folder: string;
  readonly redis: OwnServer & { command(...words: string[]): Promise<void> };
  readonly postgres: OwnServer;
}

/** What a round's trouble can reach. */
export interface Scene {
  readonly world: World;
  readonly fleet: Fleet;
}

/** One kind of trouble, under load. */
export interface Round {
  /** A word; the namespace in Redis and the schema in PostgreSQL. */
  readonly name: string;
  readonly about: string;
  /** Nano-dollars of the smallest cap, of which the others are multiples; or all. */
  readonly cap: number | Caps;
  readonly clients?: number;
  readonly leaving?: number;
  /** Milliseconds that running calls have when a process is told to end. Default 5,000. */
  readonly drainMs?: number;
  /** Addresses that the gateway with this number uses in place of the servers' own. */
  readonly through?: (world: World, index: number) => Promise<{ readonly redis?: string; readonly database?: string }>;
  /** Where the gateway with this number has its spool, in place of a folder of its own. */
  readonly spool?: (folder: string, index: number) => string;
  /** Prepares the folder of the round. */
  before?(folder: string): Promise<void>;
  after?(folder: string): void | Promise<void>;
  /** Calls begin with it and end with it. */
  trouble(scene: Scene): Promise<void>;
  /** In place of the usual crowd. */
  load?(scene: Scene, over: Promise<void>): Promise<Fares>;
  /** The processes have ended by themselves: what is left is all that there is. */
  readonly ended?: boolean;
}

/** What was seen of a round. */
export interface RoundReport {
  readonly round: string;
  readonly kills: number;
  readonly fares: Fares;
  readonly verdict: Verdict;
  /** Nano-dollars by which a counter, reservations included, was ever over its cap. */
  readonly excess: bigint;
  /** How often that was looked at. */
  readonly looks: number;
  /** From the end of the trouble until the books agreed. */
  readonly recoveryMs: number;
  readonly segments: readonly string[];
  readonly exits: Exits;
}

const LEASE_MS = 2_000;
const LOOK_MS = 40;
const PATIENCE_MS = 90_000;

/** Runs one round with servers, books and a bill of its own. */
export async function runRound(world: World, round: Round, processes: number): Promise<RoundReport> {
  const folder = join(world.folder, round.name);
  mkdirSync(folder);
  await round.before?.(folder);
  const truth = join(folder, "truth");
  const caps = typeof round.cap === "number" ? capsOf(round.cap) : round.cap;
  const upstream = await ChildProgram.start(here("../programs/charging-upstream.ts"), {
    probe: here("../../probe.ts"),
    node: ["--conditions=@signalbox/source"],
    arguments: [truth],
  });
  const fleet = await fleetOf(world, round, { folder, caps, port: upstream.ready.port, processes });
  await fleet.start();
  const audit = await Audit.open({
    redis: world.redis.url,
    database: world.postgres.url,
    name: round.name,
    truth,
    caps,
  });
  try {
    const scene: Scene = { world, fleet };
    const watch = watchCaps(audit);
    const over = round.trouble(scene);
    const load =
      round.load ??
      ((_scene, until) =>
        crowd(
          fleet,
          { clients: round.clients ?? 32, callers: Object.keys(callers(caps)), leaving: round.leaving ?? 0.2 },
          until,
        ));
    const [fares] = await Promise.all([load(scene, over), over]);
    const from = performance.now();
    if (round.ended !== true) await fleet.start();
    await settled(audit);
    const recoveryMs = performance.now() - from;
    const seen = await watch.stop();
    const exits = await fleet.end();
    return {
      round: round.name,
      kills: fleet.kills,
      fares,
      verdict: await audit.verdict(),
      ...seen,
      recoveryMs,
      segments: spoolSegments(fleet.tasks.map(({ spool }) => spool)),
      exits,
    };
  } finally {
    await fleet.killAll();
    await audit.close();
    await upstream.stop();
    await round.after?.(folder);
  }
}

interface FleetPlaces {
  readonly folder: string;
  readonly caps: Caps;
  readonly port: number;
  readonly processes: number;
}

async function fleetOf(world: World, round: Round, places: FleetPlaces): Promise<Fleet> {
  const caps = Object.fromEntries(Object.entries(places.caps).map(([name, nano]) => [name, String(nano)]));
  const tasks = await Promise.all(
    Array.from({ length: places.processes }, async (_, index) => {
      const spool = round.spool?.(places.folder, index) ?? join(places.folder, `s${index}`);
      mkdirSync(spool, { recursive: true });
      return {
        upstream: `http://127.0.0.1:${places.port}`,
        redis: world.redis.url,
        database: world.postgres.url,
        name: round.name,
        spool,
        caps: caps as Record<keyof Caps, string>,
        leaseMs: LEASE_MS,
        drainMs: round.drainMs ?? 5_000,
        ...(await round.through?.(world, index)),
      };
    }),
  );
  return new Fleet(tasks, join(world.folder, "compiled"));
}

/** Looks at the counters again and again: nothing may ever be over its cap. */
function watchCaps(audit: Audit): { stop(): Promise<{ readonly excess: bigint; readonly looks: number }> } {
  let excess = 0n;
  let looks = 0;
  let over = false;
  const watching = (async () => {
    while (!over) {
      const now = await audit.excess();
      if (now !== undefined) {
        looks++;
        if (now > excess) excess = now;
      }
      await sleep(LOOK_MS);
    }
  })();
  return {
    async stop() {
      over = true;
      await watching;
      return { excess, looks };
    },
  };
}

/** Waits until the books agree; when they never do, the verdict says where not. */
async function settled(audit: Audit): Promise<void> {
  const patience = performance.now() + PATIENCE_MS;
  while (performance.now() < patience) {
    const found = await audit.verdict().catch(() => undefined);
    if (found !== undefined && [found.missing, found.below, found.drift].every(({ length }) => length === 0)) return;
    await sleep(500);
  }
}

function here(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
