import type { ConfigKey } from "@signalbox/plugin-config";

const SECTIONS = [
  ["model_list[]", "Models"],
  ["router_settings", "Routing, fallbacks, retries"],
  ["litellm_settings", "All calls"],
  ["general_settings", "The server and its keys"],
  ["", "Beside the sections"],
] as const;

/** `router_settings.mirrors.*.to` below `router_settings`: `mirrors.<name>.to`. */
const shown = (path: string, section: string): string =>
  (section === "" ? path : path.slice(section.length + 1)).replaceAll("*", "<name>");

/** The tables of docs/configuration-keys.md, as the catalogue has them. */
export function keyTables(keys: readonly ConfigKey[]): string {
  const rest = new Set(keys);
  return SECTIONS.map(([section, title]) => {
    const own = [...rest].filter(({ path }) => path.startsWith(section));
    for (const key of own) rest.delete(key);
    const heading = section === "" ? `## ${title}` : `## ${title}: \`${section}\``;
    const rows = own.flatMap((key) =>
      key.status === "supported" ? [`| \`${shown(key.path, section)}\` | ${key.text} |`] : [],
    );
    const refused = own.flatMap((key) =>
      key.status === "refused" ? [`| \`${shown(key.path, section)}\` | ${key.hint} |`] : [],
    );
    const tables = [`| key | what it does |\n|---|---|\n${rows.join("\n")}`];
    if (refused.length > 0) tables.push(`| refused | instead |\n|---|---|\n${refused.join("\n")}`);
    return `${heading}\n\n${tables.join("\n\n")}`;
  }).join("\n\n");
}
