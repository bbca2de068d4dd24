import type { ChildProcess } from "node:child_process";
import { execFile, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * The command line as a process of its own, with no other environment than the one given. It keeps nothing, unless the
 * environment names a data directory.
 */
export class GatewayProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = "";
  stderr = "";

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}, flags: readonly string[] = []) {
    this.child = spawn(process.execPath, ["--conditions=@signalbox/source", ...flags, MAIN, ...args], {
      env: { PATH: process.env.PATH ?? "", SIGNALBOX_DATA_DIR: "memory", ...env },
    });
    this.child.stdout?.setEncoding("utf8").on("data", (text) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text) => {
      this.stderr += text;
    });
    this.ended = new Promise((resolve, reject) => {
      this.child.on("error", reject);
      this.child.on("close", (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  /** Once it has said everything that it says at the start. Fails when it ends before. */
  async ready(): Promise<this> {
    let over: Ended | undefined;
    void this.ended.then((ended) => {
      over = ended;
    });
    while (!/^ {2}curl .*\n/m.test(this.stdout)) {
      if (over !== undefined) throw new Error(`the gateway ended with ${over.code}: ${over.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return this;
  }

  get url(): string {
    return / is ready at (\S+)/.exec(this.stdout)?.[1] ?? "";
  }

  /** The printed line to try, as it stands. */
  get curl(): string {
    return /^ {2}(curl .*)$/m.exec(this.stdout)?.[1] ?? "";
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Ended> {
    this.child.kill(signal);
    return await this.ended;
  }
}

/** Runs the command line to its end. */
export async function runToEnd(
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
  flags?: readonly string[],
): Promise<Ended> {
  return await new GatewayProcess(args, env, flags).ended;
}

/** Runs a line in bash, as a user would. */
export async function bash(line: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  return await new Promise((resolve, reject) => {
    execFile("bash", ["-c", line], { env: { PATH: process.env.PATH ?? "", ...env } }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${line}\n${stderr}`, { cause: error }));
    });
  });
}
