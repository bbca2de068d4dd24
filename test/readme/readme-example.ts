import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, read } from "../repository/workspace.ts";

/** The first TypeScript block of a README. */
export function firstExample(readme: string): string {
  const block = /```ts\n([\s\S]*?)```/.exec(read(readme))?.[1];
  if (block === undefined) throw new Error(`${readme} has no TypeScript example`);
  return block;
}

export interface ExampleRun {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs code as a user's own file beside the packages' sources would run. */
export async function runExample(code: string, env: Readonly<Record<string, string>> = {}): Promise<ExampleRun> {
  // Inside the repository, so that its packages resolve; not below node_modules, where Node strips no types.
  mkdirSync(join(ROOT, ".cache"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, ".cache", "example-"));
  const file = join(folder, "example.ts");
  writeFileSync(file, code);
  try {
    return await new Promise((resolve, reject) => {
      const child = spawn(process.execPath, ["--conditions=@signalbox/source", file], {
        cwd: ROOT,
        env: { ...process.env, ...env },
        stdio: ["ignore", "pipe", "pipe"],
      });
      let stdout = "";
      let stderr = "";
      child.stdout.on("data", (piece) => {
        stdout += piece;
      });
      child.stderr.on("data", (piece) => {
        stderr += piece;
      });
      child.on("error", reject);
      child.on("close", (exitCode) => resolve({ exitCode, stdout, stderr }));
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
