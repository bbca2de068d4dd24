import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { replayServer } from "@signalbox/kernel/testkit";
import { replyOf } from "./support/fixtures.ts";

const folder = fileURLToPath(new URL("..", import.meta.url));
const [, example = ""] = /^```ts\n(.*?)^```/ms.exec(readFileSync(`${folder}/README.md`, "utf8")) ?? [];

it("the example of the README runs", async () => {
  const server = await replayServer(replyOf("plain"));
  try {
    const env = { ...process.env, ANTHROPIC_API_KEY: "sk-test-key-123456", ANTHROPIC_BASE_URL: server.url };
    const flags = ["--conditions=@signalbox/source", "--input-type=module-typescript", "--eval", example];
    const run = await promisify(execFile)(process.execPath, flags, { cwd: folder, env });
    expect(run).toEqual({ stdout: "Hello, Ada – how are you? 12\n", stderr: "" });
    expect(JSON.parse(server.sent[0]?.body ?? "")).toEqual({
      model: "claude-opus-5",
      max_tokens: 128_000,
      messages: [{ role: "user", content: "Say hello." }],
      thinking: { type: "adaptive" },
      output_config: { effort: "low" },
    });
  } finally {
    await server.close();
  }
});
