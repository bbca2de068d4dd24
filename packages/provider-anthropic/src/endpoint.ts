import type { Deployment, HeaderList, NativeRequest } from "@signalbox/kernel";
import type { ModelCapabilities } from "./capabilities.ts";
import { modelCapabilities } from "./capabilities.ts";
import type { AnthropicSettings } from "./options.ts";

/** Where a deployment's requests go and what they carry: everything that does not depend on the request. */
export interface Endpoint {
  readonly origin: string;
  /** Before `/v1/messages`; empty, or a path with a slash in front. */
  readonly basePath: string;
  /** Credentials and configured headers, without version and betas. */
  readonly headers: HeaderList;
  readonly version: string;
  readonly betas: readonly string[];
  /** `headers` with version and betas: what is sent when the client has no say. */
  readonly defaultHeaders: HeaderList;
  readonly capabilities: ModelCapabilities;
}

const VERSION = "anthropic-version";
const BETA = "anthropic-beta";

export function createEndpoint(deployment: Deployment, settings: AnthropicSettings): Endpoint {
  const url = new URL(deployment.baseUrl ?? settings.baseUrl);
  const named: Record<string, string> = {};
  for (const [name, value] of [...Object.entries(settings.headers), ...Object.entries(deployment.headers ?? {})]) {
    named[name.toLowerCase()] = value;
  }
  const { [VERSION]: version = settings.version, [BETA]: beta, ...others } = named;
  const betas = [...new Set([...settings.betas, ...splitBetas(beta)])];
  const headers = [
    "content-type",
    "application/json",
    ...credentials(deployment, settings, others),
    ...Object.entries(others).flat(),
  ];
  return {
    origin: url.origin,
    // a base URL may end in the version, as other vendors' do
    basePath: url.pathname.replace(/\/+$/, "").replace(/\/v1$/, ""),
    headers,
    version,
    betas,
    defaultHeaders: withVersion(headers, version, betas),
    capabilities: capabilitiesOf(deployment),
  };
}

/** The deployment's key, else the factory's; a header that an operator sets himself replaces both. */
function credentials(
  deployment: Deployment,
  settings: AnthropicSettings,
  headers: Readonly<Record<string, string>>,
): readonly string[] {
  if (headers["x-api-key"] !== undefined || headers.authorization !== undefined) return [];
  if (deployment.apiKey !== undefined) return ["x-api-key", deployment.apiKey.reveal()];
  if (settings.authToken !== undefined) return ["authorization", `Bearer ${settings.authToken}`];
  return settings.apiKey === undefined ? [] : ["x-api-key", settings.apiKey];
}

function capabilitiesOf(deployment: Deployment): ModelCapabilities {
  const capabilities = modelCapabilities(deployment.upstreamModel);
  const maxOutputTokens = deployment.info?.maxOutputTokens;
  return typeof maxOutputTokens === "number" ? { ...capabilities, maxOutputTokens } : capabilities;
}

/** The headers of one request: the client's version goes before ours, its betas are added to ours. */
export function requestHeaders(
  endpoint: Endpoint,
  native: NativeRequest | undefined,
  betas: readonly string[] = [],
): HeaderList {
  if ((native === undefined || native.headers.length === 0) && betas.length === 0) return endpoint.defaultHeaders;
  let { version } = endpoint;
  const all = new Set([...endpoint.betas, ...betas]);
  const others: string[] = [];
  for (let index = 0; index + 1 < (native?.headers.length ?? 0); index += 2) {
    const name = native?.headers[index] as string;
    const value = native?.headers[index + 1] as string;
    if (name === VERSION) version = value;
    else if (name === BETA) for (const beta of splitBetas(value)) all.add(beta);
    else others.push(name, value);
  }
  return withVersion(others.length === 0 ? endpoint.headers : [...endpoint.headers, ...others], version, [...all]);
}

function withVersion(headers: HeaderList, version: string, betas: readonly string[]): HeaderList {
  return [...headers, VERSION, version, ...(betas.length > 0 ? [BETA, betas.join(",")] : [])];
}

function splitBetas(value: string | undefined): readonly string[] {
  if (value === undefined) return [];
  return value
    .split(",")
    .map((beta) => beta.trim())
    .filter((beta) => beta !== "");
}
