import type { ChildProcess } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { canPin } from "../child-program.ts";
import { TARGET_CORE } from "./targets.ts";

const MAIN = fileURLToPath(new URL("../../examples/gateway/dist/main.js", import.meta.url));

/** What a process that has just answered its first request waits before it counts as idle. */
const IDLE_MS = 2_000;

export interface GatewayStart {
  /** From the start of the process to the first answer to a chat request. */
  readonly firstAnswerMs: number;
  readonly idleRssBytes: number;
}

/** Starts examples/gateway as its users do: built, without a configuration, and with nothing preloaded. */
export async function startGatewayOnce(): Promise<GatewayStart> {
  const command = [process.execPath, MAIN, "--port", "0", "--data", "memory"];
  if (canPin()) command.unshift("taskset", "-c", String(TARGET_CORE));
  const [first, ...rest] = command as [string, ...string[]];
  const startedAt = performance.now();
  const gateway = spawn(first, rest, {
    env: { PATH: process.env["PATH"] ?? "", NODE_ENV: "production" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const url = await addressOf(gateway);
    const body = JSON.stringify({ model: "mock/echo", messages: [{ role: "user", content: "Hello" }] });
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body });
    await response.arrayBuffer();
    const firstAnswerMs = performance.now() - startedAt;
    if (response.status !== 200) throw new Error(`the gateway answered ${response.status}`);
    await sleep(IDLE_MS);
    return { firstAnswerMs, idleRssBytes: rssOf(gateway.pid as number) };
  } finally {
    gateway.kill("SIGKILL");
    if (gateway.exitCode === null && gateway.signalCode === null) await once(gateway, "exit");
  }
}

async function addressOf(gateway: ChildProcess): Promise<string> {
  let said = "";
  for await (const piece of gateway.stdout ?? []) {
    said += String(piece);
    const url = / is ready at (\S+)/.exec(said)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error(`the gateway did not start: ${said}`);
}

/** Resident memory, by the system's own count. */
function rssOf(pid: number): number {
  const kilobytes =
    process.platform === "linux"
      ? /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]
      : spawnSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" }).stdout.trim();
  return Number(kilobytes) * 1_024;
}
