import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { GatewayProcess } from "./support/gateway-process.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

test("the configuration of the README starts", async () => {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-readme-"));
  const file = join(folder, "config.yaml");
  writeFileSync(file, /^```yaml\n(.*?)^```/ms.exec(readme)?.[1] ?? "");
  const env = {
    ANTHROPIC_API_KEY: "sk-ant-test",
    OPENAI_API_KEY: "sk-test",
    SIGNALBOX_MASTER_KEY: "sk-8f2d91c64e0b7a35",
  };
  const gateway = await new GatewayProcess(["--port", "0", "--config", file], env).ready();
  expect(gateway.stdout).toContain("  models   writer, reserve, local\n");
  expect(await gateway.stop()).toMatchObject({ code: 0, stderr: "" });
  rmSync(folder, { recursive: true });
});
