import type { Dialect } from "@signalbox/kernel";
import type { Assembly } from "./assemble.ts";
import { KEY_VARIABLE } from "./assemble.ts";

export interface BannerOptions extends Pick<Assembly, "gateway" | "config" | "key" | "off" | "warnings"> {
  readonly version: string;
  readonly url: string;
  readonly dialects: readonly Dialect[];
}

const SHOWN_MODELS = 12;

/** What a gateway says once it is ready: what it serves, what is on and off, and a line to try. */
export function banner(options: BannerOptions): string {
  const { version, url, warnings } = options;
  const rows = [
    ["models", modelList(options)],
    ["clients", clients(options.dialects)],
    ["on", on(options).join(", ")],
    ["off", off(options).join(", ")],
  ] as const;
  return [
    `Signalbox ${version} is ready at ${url}`,
    "",
    ...rows.filter(([, text]) => text !== "").map(([label, text]) => `  ${label.padEnd(9)}${text}`),
    ...warnings.map((warning) => `  warning  ${warning}`),
    "",
    ...tryIt(options),
  ].join("\n");
}

function names({ gateway }: BannerOptions): readonly string[] {
  return [...new Set(gateway.deployments.map(({ model }) => model))];
}

function modelList(options: BannerOptions): string {
  const all = names(options);
  const more = all.length - SHOWN_MODELS;
  return all.slice(0, SHOWN_MODELS).join(", ") + (more > 0 ? ` and ${more} more (GET /v1/models)` : "");
}

/** `POST /v1/chat/completions`, …: the first route of each dialect. */
function clients(dialects: readonly Dialect[]): string {
  const paths = dialects.flatMap(({ routes }) => routes.filter(({ kind }) => kind === "call").slice(0, 1));
  return [...new Set(paths.map(({ path }) => path))].join(", ");
}

function on({ gateway, config, key }: BannerOptions): readonly string[] {
  const fallbacks = Object.keys(gateway.fallbacks ?? {}).length;
  return [
    ...(key === undefined ? [] : ["master key: every request needs it"]),
    ...(fallbacks === 0 ? [] : [`fallbacks for ${fallbacks} ${fallbacks === 1 ? "model" : "models"}`]),
    ...(gateway.dropParams === true ? ["parameters a model does not take are left out"] : []),
    ...(config === undefined ? [] : [`configuration from ${config.files.join(", ")}`]),
  ];
}

function off({ key, off: missing }: BannerOptions): readonly string[] {
  return [
    ...(key === undefined ? [`master key (set ${KEY_VARIABLE}; without it only this machine is served)`] : []),
    ...missing,
    "spend records, budgets, rate limits and the cache (no plugin for them)",
  ];
}

/** A line that works as it stands. It names the variable that holds the key, never the key. */
function tryIt(options: BannerOptions): readonly string[] {
  const { key, url } = options;
  const body = JSON.stringify({ model: sampleModel(names(options)), messages: [{ role: "user", content: "Hello" }] });
  const headers = ['-H "content-type: application/json"'];
  if (key !== undefined) headers.unshift(`-H "authorization: Bearer $${key.variable}"`);
  const hint = key?.file === undefined ? "" : ` (with ${key.variable} set to the master_key of ${key.file})`;
  return [`Try it${hint}:`, `  curl -sS ${url}/v1/chat/completions ${headers.join(" ")} -d ${quoted(body)}`];
}

/** A model to ask for: a concrete one, else one of the mock's, else a wildcard to be filled in. */
function sampleModel(models: readonly string[]): string {
  const concrete = models.find((model) => !model.includes("*"));
  if (concrete !== undefined) return concrete;
  return models.includes("mock/*") ? "mock/echo" : (models[0] ?? "").replace("*", "<model>");
}

/** For a shell, in single quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
