import { once } from "node:events";
import { existsSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ChildProgram } from "../child-program.ts";

/** Processor of what is measured; load and upstream share the other one. */
export const TARGET_CORE = 0;
export const LOAD_CORE = 1;

const MASTER_KEY = "sk-bench-0123456789abcdefghijklmnopqrstuvwxyz";
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Where the compiler puts the programs and their probe. */
const BUILT = fileURLToPath(new URL("dist", import.meta.url));
const PROBE = join(BUILT, "probe.js");

/** Starts one of the benchmark's own programs. */
export function startProgram(name: string, core: number, ...words: readonly string[]): Promise<ChildProgram> {
  return ChildProgram.start(join(BUILT, `bench/programs/${name}.js`), { probe: PROBE, arguments: words, core });
}

/** Something that answers chat requests, in a process of its own. */
export interface Target {
  readonly name: string;
  /** What a row of it measures, in words. */
  readonly about: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Starts it for an upstream. Undefined: the upstream itself is the target. */
  readonly start?: (upstream: string) => Promise<ChildProgram>;
}

export const DIRECT: Target = {
  name: "direct",
  about: "the load generator against the upstream itself: what the other core can do",
  path: "/v1/chat/completions",
  headers: { authorization: `Bearer ${MASTER_KEY}` },
};

export const FLOOR: Target = {
  ...DIRECT,
  name: "floor",
  about: "bare node:http to undici request, request and reply parsed once",
  start: (upstream) => startProgram("floor", TARGET_CORE, upstream),
};

export const NATIVE: Target = signalbox("http", "same");
export const EXPRESS: Target = signalbox("express", "same");
export const TRANSLATED: Target = signalbox("http", "translated");
export const EXPRESS_TRANSLATED: Target = signalbox("express", "translated");

function signalbox(surface: "http" | "express", lane: "same" | "translated"): Target {
  const place = surface === "http" ? "node:http" : "Express";
  const upstream = lane === "same" ? "OpenAI client, OpenAI upstream" : "OpenAI client, Anthropic upstream";
  return {
    ...DIRECT,
    name: `${surface} ${lane}`,
    about: `Signalbox on ${place}, master key on: ${upstream}`,
    start: (url) => startProgram(`signalbox-${surface}`, TARGET_CORE, url, lane, MASTER_KEY),
  };
}

/** Portkey's gateway, if it is installed in `folder`. */
export function portkey(folder: string = ROOT): Target | undefined {
  const path = join(folder, "node_modules/@portkey-ai/gateway/build/start-server.js");
  if (!existsSync(path)) return undefined;
  const headers: Record<string, string> = { ...DIRECT.headers, "x-portkey-provider": "openai" };
  return {
    ...DIRECT,
    name: "portkey same",
    about: "Portkey's gateway, no keys: OpenAI client, OpenAI upstream",
    headers,
    async start(upstream) {
      headers["x-portkey-custom-host"] = `${upstream}/v1`;
      const port = await freePort();
      const child = await ChildProgram.start(path, {
        probe: PROBE,
        arguments: [`--port=${port}`, "--headless"],
        core: TARGET_CORE,
        foreign: port,
      });
      for (let attempt = 0; attempt < 200; attempt++) {
        const answered = await fetch(`http://127.0.0.1:${port}/`).then(
          () => true,
          () => false,
        );
        if (answered) return child;
        await sleep(50);
      }
      throw new Error(`Portkey's gateway in ${folder} does not answer`);
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
