import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it } from "vitest";
import { ROOT } from "../repository/workspace.ts";

/** Path of a Node 22 program: packages are developed on 24 and must run on 22.19 and later. `.ci/run` installs one. */
const NODE_22 = process.env.SIGNALBOX_NODE_22;

describe.skipIf(NODE_22 === undefined)(
  "the built gateway on Node 22 (set SIGNALBOX_NODE_22 to the program's path)",
  () => {
    it("starts, answers, streams and stops", async () => {
      const main = join(ROOT, "examples", "gateway", "dist", "main.js");
      expect(existsSync(main), "run `npm run build` first").toBe(true);
      const gateway = spawn(NODE_22 as string, [main, "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
      try {
        let url: string | undefined;
        for await (const line of createInterface({ input: gateway.stdout })) {
          url = /ready at (http:\S+)/.exec(line)?.[1];
          if (url !== undefined) break;
        }
        const ask = (stream: boolean): Promise<Response> =>
          fetch(`${url}/v1/chat/completions`, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ model: "mock/echo", stream, messages: [{ role: "user", content: "still here" }] }),
          });
        const plain = (await (await ask(false)).json()) as { choices: { message: { content: string } }[] };
        expect(plain.choices[0]?.message.content).toBe("still here");
        const streamed = await (await ask(true)).text();
        expect(streamed).toContain('"content":"still here"');
        expect(streamed.endsWith("data: [DONE]\n\n")).toBe(true);
        gateway.kill("SIGTERM");
        expect(await once(gateway, "exit")).toEqual([0, null]);
      } finally {
        gateway.kill("SIGKILL");
      }
    });
  },
);
