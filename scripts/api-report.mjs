// Writes packages/<name>/api.md: the declarations that can be reached from each export of the package, as the compiler
// emitted them. With --check it compares instead, and fails on a difference, so that a change of the public API is seen
// in review.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { packages } from "./packages.mjs";

const check = process.argv.includes("--check");
const only = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const stale = [];

for (const { name, folder, manifest } of packages()) {
  if (only.length > 0 && !only.includes(name)) continue;
  const path = join(folder, "api.md");
  const report = describe(folder, manifest);
  if (!check) writeFileSync(path, report);
  else if (!existsSync(path) || readFileSync(path, "utf8") !== report) stale.push(name);
}

if (stale.length > 0) {
  console.error(
    `The public API changed in: ${stale.join(", ")}. Run \`npm run api\`, and review and commit the result.`,
  );
  process.exitCode = 1;
}

function describe(folder, manifest) {
  const seen = new Set();
  const sections = Object.entries(manifest.exports)
    .filter(([, target]) => target.types)
    .map(([subpath, target]) => {
      const files = reachable(join(folder, target.types), seen);
      const title = `## ${join(manifest.name, subpath)}`;
      return [title, ...files.map((file) => fenced(folder, file))].join("\n\n");
    });
  return `${[`# Public API of ${manifest.name}`, "Written by `npm run api`.", ...sections].join("\n\n")}\n`;
}

function reachable(file, seen) {
  if (seen.has(file)) return [];
  seen.add(file);
  const text = readFileSync(file, "utf8");
  const next = [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g)]
    .map(([, specifier]) => join(dirname(file), specifier.replace(/\.(ts|js)$/, ".d.ts")))
    .filter((path) => existsSync(path))
    .sort();
  return [file, ...next.flatMap((path) => reachable(path, seen))];
}

function fenced(folder, file) {
  const text = readFileSync(file, "utf8")
    .replace(/^\/\/# sourceMappingURL=.*$/m, "")
    .trim();
  const source = relative(join(folder, "dist"), file).replace(/\.d\.ts$/, ".ts");
  return `### ${source}\n\n\`\`\`ts\n${text}\n\`\`\``;
}
