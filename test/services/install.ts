import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { findBinary } from "./service.ts";

/** What a server is called by each package manager, and by people. */
export interface Installable {
  readonly name: string;
  readonly apt: string;
  readonly brew: string;
  readonly variable: string;
}

let queue: Promise<unknown> = Promise.resolve();

/**
 * Installs a server where that can be done without asking anyone, and otherwise says what to install. One at a time,
 * since package managers lock.
 */
export function install(wanted: Installable): Promise<void> {
  const installed = queue.then(() => installNow(wanted));
  queue = installed.catch(() => undefined);
  return installed;
}

async function installNow({ name, apt, brew, variable }: Installable): Promise<void> {
  const remedy =
    `tests need ${name}, and none was found: install it (Debian or Ubuntu: \`apt-get install ${apt}\`, ` +
    `macOS: \`brew install ${brew}\`), or set ${variable} to one that runs`;
  const commands = commandsFor({ apt, brew });
  if (commands === undefined) throw new Error(remedy);
  console.error(`Installing ${name} for the tests (${commands.at(-1)?.join(" ")}) ...`);
  let trouble = "";
  for (const command of commands) {
    const { code, output } = await run(command);
    trouble = code === 0 ? "" : output;
  }
  if (trouble !== "") throw new Error(`${remedy}; installing it here failed: ${trouble.slice(-1_000)}`);
}

function commandsFor({ apt, brew }: { apt: string; brew: string }): string[][] | undefined {
  if (process.platform === "darwin") return findBinary("brew") === undefined ? undefined : [["brew", "install", brew]];
  if (!isDebian() || findBinary("apt-get") === undefined) return undefined;
  const asRoot = process.getuid?.() === 0 ? [] : sudoWithoutPassword() ? ["sudo", "-n"] : undefined;
  if (asRoot === undefined) return undefined;
  const aptGet = [...asRoot, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=300", "-q"];
  // A failed update does not matter when the package lists are recent enough, so only the last command counts.
  return [
    [...aptGet, "update"],
    [...aptGet, "install", "-y", "--no-install-recommends", apt],
  ];
}

function isDebian(): boolean {
  try {
    return /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync("/etc/os-release", "utf8"));
  } catch {
    return false;
  }
}

function sudoWithoutPassword(): boolean {
  return findBinary("sudo") !== undefined && spawnSync("sudo", ["-n", "true"], { stdio: "ignore" }).status === 0;
}

function run([program = "", ...args]: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const collect = (chunk: Buffer): void => {
      output += chunk.toString("utf8");
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.once("error", (error) => resolve({ code: 1, output: error.message }));
    child.once("close", (code) => resolve({ code: code ?? 1, output }));
  });
}
