import { describe, expect, it } from "vitest";
import { describeFailure } from "../src/connection/describe-failure.ts";
import { lifeOf, lineName, lineOf } from "../src/reservations/line-name.ts";

const DAY_MS = 86_400_000;

describe("names of counters", () => {
  it.each([
    { scope: { kind: "key", id: "k-1" }, period: "2026-11", limit: 1_000n },
    { scope: { kind: "key", id: 'a\tb\n"c"\ud800', model: "" }, period: "all", limit: null },
    { scope: { kind: "tag", id: "{x}", model: "gpt:5" }, period: "2026-W47", limit: 9_007_199_254_740_993n },
  ])("are read back: %o", (line) => {
    expect(lineOf(`${lineName(line)}\t${line.limit ?? ""}`)).toEqual(line);
  });

  it("live for longer than their periods", () => {
    const life = (period: string): number => lifeOf({ period }) / DAY_MS;
    expect([life("all"), life("2026-11-20"), life("2026-W47"), life("2026-11")]).toEqual([0, 40, 40, 400]);
    expect(life("2026-11-20+90d")).toBe(400);
    const window = (ms: number): number => life(String(Math.floor(Date.now() / ms)));
    expect(window(30_000)).toBeCloseTo(8, 1);
    expect(window(30 * 3_600_000)).toBeCloseTo(10.5, 1);
    expect(life("0")).toBe(400);
  });
});

describe("failures", () => {
  const coded = (message: string, code: string): Error => Object.assign(new Error(message), { code });

  it.each([
    [coded("connect ECONNREFUSED 10.1.2.3:6379", "ECONNREFUSED"), "nothing listens there"],
    [coded("getaddrinfo ENOTFOUND redis.internal", "ENOTFOUND"), "the host's name is unknown"],
    [coded("timed out", "ETIMEDOUT"), "it does not answer"],
    [new Error("connect ETIMEDOUT"), "it does not answer"],
    [new Error("WRONGPASS invalid username-password pair for hunter2"), "the username or password is wrong"],
    [new Error("NOAUTH Authentication required."), "it wants a password"],
    [new Error("OOM command not allowed when used memory > 'maxmemory'."), "it is out of memory"],
    [new Error("WRONGTYPE Operation against a key of hunter2"), "it answered WRONGTYPE"],
    [new Error("ERR unknown command 'hunter2'"), "it answered with an error"],
    [new Error("Connection is closed."), "there is no connection"],
    [coded("self-signed certificate", "DEPTH_ZERO_SELF_SIGNED_CERT"), "no secure connection could be made"],
    ["hunter2", "it failed"],
  ])("are told without addresses and credentials: %s", (thrown, told) => {
    expect(describeFailure(thrown)).toBe(told);
  });
});
