import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const folder = fileURLToPath(new URL("..", import.meta.url));
const blocks = [...readFileSync(`${folder}/README.md`, "utf8").matchAll(/^```ts\n(.*?)^```/gms)].map(
  ([, code]) => code ?? "",
);

test("the README has examples", () => {
  expect(blocks.length).toBeGreaterThan(0);
});

test.each(blocks.map((code, index) => [index + 1, code] as const))("example %i of the README runs", async (_, code) => {
  const flags = ["--conditions=@signalbox/source", "--input-type=module-typescript", "--eval", code];
  await expect(promisify(execFile)(process.execPath, flags, { cwd: folder })).resolves.toMatchObject({ stderr: "" });
});
