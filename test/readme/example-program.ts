import { spawn } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "../repository/workspace.ts";
import type { ExampleRun } from "./readme-example.ts";

/** Starts an example from source, as its README says, and waits for its end. */
export async function runProgram(name: string): Promise<ExampleRun> {
  const { PORT: _, ...env } = process.env;
  return await new Promise((resolve, reject) => {
    const main = join(ROOT, "examples", name, "src", "main.ts");
    const child = spawn(process.execPath, ["--conditions=@signalbox/source", main], { cwd: ROOT, env });
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
}
