// Packs every package as it would be published, and runs publint and attw on the tarballs. Names given as arguments
// limit it to those packages.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { packages, root } from "./packages.mjs";

const run = promisify(execFile);
const only = process.argv.slice(2);
const bin = (name) => join(root, "node_modules/.bin", name);
const folder = mkdtempSync(join(tmpdir(), "signalbox-pack-"));
let failed = 0;

try {
  for (const { name, folder: source } of packages()) {
    if (only.length > 0 && !only.includes(name)) continue;
    try {
      const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: source });
      const tarball = join(folder, packed(JSON.parse(stdout)).filename);
      await run(bin("publint"), [tarball, "--strict"]);
      await run(bin("attw"), [tarball, "--profile", "esm-only", "--no-color", "--no-emoji"]);
      console.log(`ok      ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`failed  ${name}\n${error.stdout ?? ""}${error.stderr ?? error.stack}`);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

process.exitCode = failed > 0 ? 1 : 0;

/** npm prints a list, and newer versions an object keyed by package name. */
function packed(result) {
  return Array.isArray(result) ? result[0] : Object.values(result)[0];
}
