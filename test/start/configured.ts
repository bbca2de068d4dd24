import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GatewayProcess } from "../../examples/gateway/test/support/gateway-process.ts";

/** A folder for a test's files, and the gateways that it starts. */
export class Workshop {
  readonly folder: string = mkdtempSync(join(tmpdir(), "signalbox-start-"));
  readonly #running: GatewayProcess[] = [];

  /** A gateway with this configuration; not yet ready. */
  launch(text: string, env: Readonly<Record<string, string>> = {}, ...words: readonly string[]): GatewayProcess {
    const file = join(this.folder, "config.yaml");
    writeFileSync(file, text);
    const gateway = new GatewayProcess(["--port", "0", "--config", file, ...words], env);
    this.#running.push(gateway);
    return gateway;
  }

  async start(text: string, env: Readonly<Record<string, string>> = {}): Promise<GatewayProcess> {
    return await this.launch(text, env).ready();
  }

  async close(): Promise<void> {
    for (const gateway of this.#running.splice(0)) {
      gateway.child.kill("SIGKILL");
      await gateway.ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Waits for what comes by itself. */
export async function soon(check: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const until = Date.now() + 30_000;
  while (!(await check())) {
    if (Date.now() > until) throw new Error(`it did not happen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
