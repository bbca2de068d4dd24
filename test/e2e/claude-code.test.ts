import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunningGateway } from "./running-gateway.ts";
import { CLIENT_KEY, runningGateway, UPSTREAMS } from "./running-gateway.ts";

/** Path of the `claude` program. It is 360 MB, so it is not a dependency; `.ci/run` installs it. */
const CLAUDE = process.env.SIGNALBOX_CLAUDE_CODE;

describe.skipIf(CLAUDE === undefined)("Claude Code (set SIGNALBOX_CLAUDE_CODE to the program's path)", () => {
  let running: RunningGateway;
  let home: string;

  beforeAll(async () => {
    running = await runningGateway();
    home = mkdtempSync(join(tmpdir(), "signalbox-claude-"));
  });
  afterAll(async () => {
    await running.close();
    rmSync(home, { recursive: true, force: true });
  });

  it.each(UPSTREAMS)(
    "answers a prompt in front of an %s upstream",
    async (upstream) => {
      const { stdout } = await promisify(execFile)(
        CLAUDE as string,
        ["-p", "ping", "--output-format", "json", "--model", `${upstream}/fixed`],
        {
          cwd: home,
          timeout: 60_000,
          env: {
            PATH: process.env.PATH,
            HOME: home,
            ANTHROPIC_BASE_URL: running.url,
            ANTHROPIC_API_KEY: CLIENT_KEY,
            ANTHROPIC_SMALL_FAST_MODEL: `${upstream}/fixed`,
            CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
          },
        },
      );
      const reply = JSON.parse(stdout);
      expect(reply).toMatchObject({ type: "result", subtype: "success", is_error: false });
      expect(reply.result.length).toBeGreaterThan(0);
    },
    90_000,
  );
});
