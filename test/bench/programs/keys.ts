// What a million virtual keys cost: to find one, to list them, and to keep what was found in memory.

import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import type { Gateway, HttpReply } from "@signalbox/kernel";
import { createGateway, Secret } from "@signalbox/kernel";
import { importHashes, keys } from "@signalbox/plugin-keys";
import { postgresLedger } from "@signalbox/plugin-ledger-postgres";
import { sqliteLedger } from "@signalbox/plugin-ledger-sqlite";
import { answer, ready } from "../../probe.ts";
import type { KeysFigures, KeysQuestion } from "../keys.ts";

/** As in `../keys.ts`, which is no part of this program. */
const LAST_PAGE = "the last page";

const PEPPER = new Secret("pepper-of-the-measuring-0123456789");
const MASTER = "sk-master-of-the-measuring-0001";
const BATCH = 5_000;
const WARM = 1_000;
const TEAMS = 1_000;

const keyOf = (index: number): string => `sk-measured-${String(index).padStart(12, "0")}`;

async function figures(question: KeysQuestion): Promise<KeysFigures> {
  const directory = mkdtempSync(join(tmpdir(), "bench-keys-"));
  const ledger =
    question.database === undefined
      ? sqliteLedger({ file: join(directory, "keys.db") })
      : postgresLedger({ url: question.database });
  const gateway = await createGateway({
    plugins: [ledger, keys({ masterKeys: [new Secret(MASTER)], pepper: PEPPER, cacheSize: question.cacheSize })],
    deployments: [],
  });
  try {
    const began = performance.now();
    await fill(gateway, ledger.recordStore, question.keys);
    const fillSeconds = (performance.now() - began) / 1_000;
    const cold = await coldLookups(gateway, question.keys);
    const cachedMicros = await cachedLookup(gateway);
    const growth = await growthOf(gateway, question);
    return { fillSeconds, ...cold, cachedMicros, ...growth, ...(await listings(gateway, question.keys)) };
  } finally {
    await gateway.close();
    rmSync(directory, { recursive: true });
  }
}

async function fill(
  gateway: Gateway,
  store: Parameters<typeof importHashes>[1]["store"],
  count: number,
): Promise<void> {
  for (let team = 0; team < TEAMS; team++) await ask(gateway, "POST", "/team/new", { team_id: `team-${team}` });
  for (let from = 0; from < count; from += BATCH) {
    const rows = Array.from({ length: Math.min(BATCH, count - from) }, (_, at) => {
      const index = from + at;
      const token = createHash("sha256").update(keyOf(index)).digest("hex");
      return {
        token,
        key_alias: `alias-${index}`,
        team_id: `team-${index % TEAMS}`,
        models: ["gpt-4o"],
        max_budget: 5,
      };
    });
    await importHashes(rows, { store, pepper: PEPPER });
  }
}

const who = (gateway: Gateway, key: string): Promise<unknown> =>
  Promise.resolve(gateway.authenticator.authenticate({ key, headers: {}, remoteAddress: undefined }));

async function coldLookups(gateway: Gateway, count: number): Promise<{ coldP50Micros: number; coldP99Micros: number }> {
  const micros: number[] = [];
  for (let at = 0; at < WARM; at++) {
    const began = performance.now();
    await who(gateway, keyOf((at * 7_919) % count));
    micros.push((performance.now() - began) * 1_000);
  }
  return { coldP50Micros: quantile(micros, 0.5), coldP99Micros: quantile(micros, 0.99) };
}

/** The least of several rounds: the machine is shared. What is due to be asked again is part of it. */
async function cachedLookup(gateway: Gateway): Promise<number> {
  const known = Array.from({ length: WARM }, (_, at) => keyOf(at));
  for (const key of known) await who(gateway, key);
  const calls = 200_000;
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    const began = performance.now();
    for (let call = 0; call < calls; call++) {
      const found = gateway.authenticator.authenticate({
        key: known[call % WARM] as string,
        headers: {},
        remoteAddress: undefined,
      });
      if (found instanceof Promise) await found;
    }
    least = Math.min(least, ((performance.now() - began) * 1_000) / calls);
  }
  return least;
}

/** Memory once the copies are as many as they may be, and after three times as many keys more. */
async function growthOf(
  gateway: Gateway,
  { cacheSize, keys: count }: KeysQuestion,
): Promise<{ fullBytes: number; grownBytes: number; rssBytes: number }> {
  const before = heap();
  const look = async (from: number, to: number): Promise<void> => {
    for (let at = from; at < to; at++) await who(gateway, keyOf(at % count));
  };
  await look(0, cacheSize * 2);
  const full = heap();
  await look(cacheSize * 2, cacheSize * 5);
  return { fullBytes: full - before, grownBytes: heap() - full, rssBytes: process.memoryUsage().rss };
}

async function listings(gateway: Gateway, count: number): Promise<{ listings: KeysFigures["listings"] }> {
  const last = Math.ceil(count / 100);
  const rows: KeysFigures["listings"][number][] = [];
  for (const [name, path] of [
    ["the first page of 100", "/key/list?size=100"],
    ["the same, whole rows", "/key/list?size=100&return_full_object=true"],
    [LAST_PAGE, `/key/list?size=100&page=${last}`],
    ["of a team", "/key/list?size=100&team_id=team-7"],
    ["by alias", `/key/list?key_alias=alias-${count - 1}`],
    ["aliases", "/key/aliases?size=100"],
  ] as const) {
    const times: number[] = [];
    for (let round = 0; round < 15; round++) {
      const began = performance.now();
      await ask(gateway, "GET", path);
      times.push(performance.now() - began);
    }
    rows.push({ name, p50: quantile(times, 0.5) });
  }
  return { listings: rows };
}

async function ask(gateway: Gateway, method: string, target: string, body?: unknown): Promise<HttpReply> {
  const url = new URL(target, "http://gateway");
  const route = gateway.routes.find((one) => one.method === method && one.path === url.pathname);
  const principal = await gateway.authenticator.authenticate({ key: MASTER, headers: {}, remoteAddress: undefined });
  if (route === undefined) throw new Error(`there is no route ${method} ${url.pathname}`);
  const request = { method, path: url.pathname, query: url.searchParams, params: {}, headers: {} };
  const read = body === undefined ? undefined : { value: body };
  const context = { principal, models: () => gateway.catalog(principal) };
  const reply = await route.handle({ ...request, body: read as never }, context);
  if (reply.status !== 200) throw new Error(`${target}: ${reply.status} ${String(reply.body)}`);
  return reply;
}

function heap(): number {
  for (let pass = 0; pass < 3; pass++) globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number;
}

answer("figures", figures);
ready(0);
