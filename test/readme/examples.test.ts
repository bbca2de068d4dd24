import { join } from "node:path";
import { expect, it } from "vitest";
import { files, ROOT } from "../repository/workspace.ts";
import { runFile } from "./run-source.ts";

/** What each example that runs to its end prints. `gateway` is a server: it has tests of its own. */
const PRINTED: Readonly<Record<string, RegExp>> = {
  "custom-cache":
    /^first: {5}Good day \(miss\)\nagain: {5}Good day \((?:hit|shared)\)\nstreamed: {2}Good day \((?:hit|shared)\)\nrestarted: Good day \(hit\)\nok\n$/,
  "custom-guardrail": /^plain: {4}Ask \[e-mail\], or Bob\.\n[^@]*shown: {4}I am \[e-mail\]\. Who can help me\?\nok\n$/,
  "custom-plugin":
    /^answer: {3}.*length\nrefused: {2}blocked by .*\ncounted: {2}200 {"count":2}\nrouted: {3}0 characters .*; overloaded: once more\nok\n$/,
  "custom-provider": /^heard: Friends, \nheard: Romans\.\nprovider_rate_limited: one speech at a time\nok\n$/,
  "custom-strategy": /^10 h: chat-eu\n23 h: chat-us\n23 h: chat-us, then chat-eu\nok\n$/,
  "mount-in-express": /ada small 200\nada large 403\n/,
  "plain-node": /200 Hello \(by parrot-1\)\n.*404 model "parot" does not exist; the nearest names are "parrot"\n/s,
  sdk: /whole: {4}Roses are red\.\n.*failed: {3}provider_rate_limited \(429\)\n/s,
};

it("every example is run", () => {
  expect(files("examples/*/src/main.ts").map((path) => path.split("/")[1])).toEqual(
    [...Object.keys(PRINTED), "gateway"].sort(),
  );
});

it.each(Object.entries(PRINTED))("examples/%s prints what it says", async (name, printed) => {
  const { exitCode, stdout, stderr } = await runFile(join(ROOT, "examples", name, "src", "main.ts"));
  expect(stderr).toBe("");
  expect(stdout).toMatch(printed);
  expect(exitCode).toBe(0);
});
