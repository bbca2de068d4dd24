import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, read } from "../repository/workspace.ts";

export interface SourceRun {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The TypeScript blocks of a README that stand on their own: those that begin with their imports. */
export function examplesOf(readme: string): readonly string[] {
  return [...read(readme).matchAll(/^```ts\n(import .*?)^```/gms)].map(([, code]) => code ?? "");
}

/** Runs code as a user's own file beside the packages' sources would run. */
export async function runCode(code: string, env?: Readonly<Record<string, string>>): Promise<SourceRun> {
  // Inside the repository, so that its packages resolve; not below node_modules, where Node strips no types.
  mkdirSync(join(ROOT, ".cache"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, ".cache", "example-"));
  const file = join(folder, "example.ts");
  writeFileSync(file, code);
  try {
    return await runFile(file, env);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a program from source to its end. */
export async function runFile(file: string, env: Readonly<Record<string, string>> = {}): Promise<SourceRun> {
  const { PORT: _, ...inherited } = process.env;
  return await new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--conditions=@signalbox/source", file], {
      cwd: ROOT,
      env: { ...inherited, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (piece) => {
      stdout += piece;
    });
    child.stderr.setEncoding("utf8").on("data", (piece) => {
      stderr += piece;
    });
    child.on("error", reject);
    child.on("close", (exitCode) => resolve({ exitCode, stdout, stderr }));
  });
}
