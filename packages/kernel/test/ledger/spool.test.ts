import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ReservationRequest } from "@signalbox/kernel";
import type { SpoolRecord } from "@signalbox/kernel/ledger";
import {
  crc32c,
  createDirectory,
  foldRecords,
  frameRecord,
  RecordWriter,
  readFrames,
  readRecord,
  Spool,
  takeOver,
} from "@signalbox/kernel/ledger";
import { entry } from "./entries.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "spool-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const line = { scope: { kind: "key", id: "k" }, period: "2026-11", limit: 9_007_199_254_740_993n };
const request: ReservationRequest = { id: "call/2", estimate: 30n, lines: [line, { ...line, limit: null }] };
const R: SpoolRecord = { kind: "R", request, at: 1_795_000_000_000 };
const D: SpoolRecord = { kind: "D", id: "call/2" };
const S: SpoolRecord = { kind: "S", settlement: { id: "call/2", actual: 12n, status: "final" } };

describe("frames", () => {
  const payloads = ["Rone", "D\u{1F600}", "Sthree"];
  const bytes = Buffer.concat(payloads.map(frameRecord));
  const ends = payloads.map((_, index) => Buffer.concat(payloads.slice(0, index + 1).map(frameRecord)).length);

  it("carry CRC-32C", () => {
    expect(crc32c(Buffer.from("123456789"))).toBe(0xe306_9283);
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a91_36aa);
  });

  it("are read whole", () => {
    expect(readFrames(bytes)).toEqual({ payloads, goodBytes: bytes.length });
  });

  it("torn at any byte lose the torn record alone", () => {
    for (let length = 0; length < bytes.length; length++) {
      const whole = ends.filter((end) => end <= length).length;
      expect(readFrames(bytes.subarray(0, length)).payloads).toEqual(payloads.slice(0, whole));
    }
  });

  it("with any bit flipped are cut at the damaged record", () => {
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = Buffer.from(bytes);
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      const whole = ends.filter((end) => end <= bit >> 3).length;
      expect(readFrames(damaged).payloads).toEqual(payloads.slice(0, whole));
    }
  });

  it("followed by zeros, as after a power failure, end there", () => {
    expect(readFrames(Buffer.concat([bytes, Buffer.alloc(4_096)]))).toEqual({ payloads, goodBytes: bytes.length });
  });
});

describe("records", () => {
  it("are read as they were written, amounts included", () => {
    const E: SpoolRecord = {
      kind: "E",
      entry: entry({
        id: "call/2",
        billed: 9_007_199_254_740_993n,
        cacheSavings: -9_007_199_254_740_997n,
        usage: { inputTokens: 1, outputTokens: 2, reportedCost: 9_007_199_254_740_995n },
        costLines: [{ kind: "input", units: 3, picoUsdPerUnit: 300_000n }],
        metadata: { cost: "12", $bigint: "x" },
      }),
    };
    for (const record of [R, D, S, E, { kind: "N", id: "a/1" } as const]) {
      expect(readRecord(new RecordWriter().write(record))).toEqual(record);
    }
    expect(() => readRecord("?what")).toThrow('a spool has a record of an unknown kind: "?what"');
  });
});

describe("foldRecords", () => {
  const amounts = (records: readonly SpoolRecord[]) => {
    const { settlements, entries } = foldRecords(records);
    return [settlements.map((s) => [s.id, s.actual, s.status]), entries.map((e) => [e.id, e.billed, e.status])];
  };

  it("ends at 0 what was never sent, with an empty entry: somebody may have booked it at its estimate", () => {
    expect(amounts([R])).toEqual([[["call/2", 0n, "final"]], [["call/2", 0n, "void"]]]);
  });

  it("ends at its estimate, with an entry, what was sent and never settled", () => {
    expect(amounts([R, D])).toEqual([[["call/2", 30n, "estimated"]], [["call/2", 30n, "estimated"]]]);
    expect(foldRecords([R, D]).entries[0]).toMatchObject({ callId: "call", attempt: 2, startedAt: 1_795_000_000_000 });
  });

  it("takes a later settlement in place of a guess, and no guess in place of it", () => {
    const guess: SpoolRecord = { kind: "S", settlement: { id: "call/2", actual: 30n, status: "estimated" } };
    for (const records of [
      [R, D, S],
      [R, D, guess, S],
      [R, D, S, guess],
      [R, D, S, S, R],
    ]) {
      expect(amounts(records)).toEqual([[["call/2", 12n, "final"]], [["call/2", 12n, "final"]]]);
    }
  });

  it("keeps nothing of a denial, and gives an entry its lines", () => {
    expect(amounts([R, { kind: "N", id: "call/2" }])).toEqual([[], []]);
    const E: SpoolRecord = { kind: "E", entry: entry({ id: "call/2", billed: 12n }) };
    const { scope, period } = line;
    expect(foldRecords([R, D, E]).entries[0]?.lines?.[0]).toEqual({ scope, period });
    expect(amounts([R, D, E])).toEqual([[["call/2", 12n, "final"]], [["call/2", 12n, "final"]]]);
  });
});

const logs = (): readonly string[] => readdirSync(root).filter((name) => name.endsWith(".log"));

describe("Spool", () => {
  it("frees segments from the oldest, once nothing in them is needed", async () => {
    const spool = new Spool({ directory: root, segmentBytes: 20 });
    const pins = ["first-first-first", "second-second-second", "third-third-third"].map((text) => spool.append(text));
    expect(logs()).toEqual(["00000001.log", "00000002.log", "00000003.log"]);
    spool.release(pins[1] as (typeof pins)[0]);
    expect(logs()).toHaveLength(3);
    spool.release(pins[0] as (typeof pins)[0]);
    expect(logs()).toEqual(["00000003.log"]);
    await spool.close();
    expect(readFrames(readFileSync(join(root, "00000003.log"))).payloads).toEqual(["third-third-third"]);
  });

  for (const durability of ["always", "group", "none"] as const) {
    it(`says when all is durable: ${durability}`, async () => {
      const spool = new Spool({ directory: root, segmentBytes: 4_096, durability });
      await Promise.all(
        Array.from({ length: 500 }, (_, index) => {
          spool.append(`S${index}`);
          return spool.durable();
        }),
      );
      await spool.close();
      const all = logs().flatMap((name) => readFrames(readFileSync(join(root, name))).payloads);
      expect(all).toEqual(Array.from({ length: 500 }, (_, index) => `S${index}`));
    });
  }

  it("puts records off for a moment, and writes them with the next one", async () => {
    const spool = new Spool({ directory: root, durability: "none" });
    const written = (): readonly string[] => readFrames(readFileSync(join(root, "00000001.log"))).payloads;
    spool.append("one", "soon");
    spool.append("two", "soon");
    expect(written()).toEqual([]);
    spool.append("three");
    expect(written()).toEqual(["one", "two", "three"]);
    spool.append("four", "soon");
    await spool.durable();
    expect(written()).toHaveLength(4);
    spool.append("five".repeat(100_000), "soon");
    await spool.close();
    expect(written().map((text) => text.length)).toEqual([3, 3, 5, 4, 400_000]);
  });

  it("tells whoever waits that what was put off could not be written", async () => {
    symlinkSync("/dev/full", join(root, "00000001.log"));
    const spool = new Spool({ directory: root, durability: "none" });
    spool.append("lost", "soon");
    await expect(spool.durable()).rejects.toThrow(/ENOSPC/);
    symlinkSync("/dev/full", join(root, "00000002.log"));
    // nothing is put off until a write has succeeded
    expect(() => spool.append("lost", "soon")).toThrow(/ENOSPC/);
    spool.append("kept", "soon");
    expect(readFrames(readFileSync(join(root, "00000003.log"))).payloads).toEqual(["kept"]);
    await spool.close();
  });

  it("tells a full disk, and goes on when there is space again", async () => {
    symlinkSync("/dev/full", join(root, "00000002.log"));
    const spool = new Spool({ directory: root, segmentBytes: 8, durability: "none" });
    spool.append("before");
    expect(() => spool.append("lost")).toThrow(/ENOSPC/);
    symlinkSync("/dev/full", join(root, "00000003.log"));
    expect(() => spool.append("lost")).toThrow(/ENOSPC/);
    for (const name of ["00000002.log", "00000003.log"]) unlinkSync(join(root, name));
    spool.append("after");
    await spool.close();
    const all = logs().flatMap((name) => readFrames(readFileSync(join(root, name))).payloads);
    expect(all).toEqual(["before", "after"]);
  });
});

describe("directories of spools", () => {
  it("are taken over when their owner is gone, by one", async () => {
    const own = await createDirectory(root);
    expect(await takeOver(root)).toEqual([]);
    await own.release(false);
    const taken = (await Promise.all([takeOver(root), takeOver(root), takeOver(root)])).flat();
    expect(taken).toHaveLength(1);
    expect(await takeOver(root)).toEqual([]);
    await taken[0]?.release(true);
    expect(readdirSync(root)).toEqual([]);
  });

  it("are taken over with all records after SIGKILL", async () => {
    const source = fileURLToPath(new URL("../../src/ledger/index.ts", import.meta.url));
    const program = `import { createDirectory, Spool } from ${JSON.stringify(source)};
      const { path } = await createDirectory(${JSON.stringify(root)});
      const spool = new Spool({ directory: path });
      for (let index = 0; index < 1000; index++) spool.append("R" + index);
      console.log("ready"); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--conditions=@signalbox/source", "--input-type=module", "-e", program]);
    await once(child.stdout, "data");
    expect(await takeOver(root)).toEqual([]);
    child.kill("SIGKILL");
    await once(child, "exit");
    const [taken] = await takeOver(root);
    const segment = readFileSync(join(taken?.path as string, "00000001.log"));
    expect(readFrames(segment).payloads).toHaveLength(1_000);
    await taken?.release(true);
  });
});
