import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** Every published package: its folder and its manifest. */
export function packages() {
  return readdirSync(`${root}packages`, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => ({ name: entry.name, folder: `${root}packages/${entry.name}` }))
    .map((found) => ({ ...found, manifest: JSON.parse(readFileSync(`${found.folder}/package.json`, "utf8")) }))
    .filter(({ manifest }) => !manifest.private);
}
