import type { Attempt, HeaderList, TransportRequest, TransportStream } from "@signalbox/kernel";
import { ruleBook } from "./capabilities.ts";
import type { EndpointSettings } from "./endpoints.ts";
import { wireEndpoints } from "./endpoints.ts";
import type { EndpointSource, ModelRules, WireEndpoint, WireProfile, WireResource } from "./profile.ts";

/** One host and how to reach it. Every operation is made from the same one. */
export interface WireConfig {
  readonly profile: WireProfile;
  /** Where requests go, and with which credentials. */
  readonly endpoint: EndpointSource;
  readonly rulesOf: (model: string) => ModelRules;
}

/** Where and how requests of OpenAI's shape are sent. */
export interface WireOptions extends EndpointSettings {
  /** In place of base URL, path and bearer token: addresses made from the model, tokens that expire. */
  readonly endpoint?: EndpointSource | undefined;
}

/** Joins a profile with an operator's settings. */
export function wireConfig(profile: WireProfile, options: WireOptions = {}): WireConfig {
  return { profile, endpoint: options.endpoint ?? wireEndpoints(profile, options), rulesOf: ruleBook(profile) };
}

/**
 * A POST to one of the host's endpoints, at once or when its credentials are there. `clientHeaders`: a flat list of what
 * the client sent, of which the host takes some.
 */
export function wireRequest(
  config: WireConfig,
  attempt: Attempt,
  resource: WireResource,
  body: Buffer | string,
  clientHeaders: HeaderList = [],
): TransportRequest | Promise<TransportRequest> {
  const found = config.endpoint(attempt, resource);
  return found instanceof Promise
    ? found.then((endpoint) => postTo(endpoint, config, body, clientHeaders))
    : postTo(found, config, body, clientHeaders);
}

function postTo(
  { origin, path, headers }: WireEndpoint,
  { profile }: WireConfig,
  body: Buffer | string,
  clientHeaders: HeaderList,
): TransportRequest {
  const passed = clientHeaders.length === 0 ? NONE : passedHeaders(profile, clientHeaders, headers);
  return { method: "POST", origin, path, headers: passed.length === 0 ? headers : [...headers, ...passed], body };
}

const NONE: HeaderList = [];
const CLIENT_HEADERS: readonly string[] = ["openai-beta"];

function passedHeaders(profile: WireProfile, sent: HeaderList, own: HeaderList): HeaderList {
  const wanted = profile.clientHeaders ?? CLIENT_HEADERS;
  const passed: string[] = [];
  for (let at = 0; at + 1 < sent.length; at += 2) {
    const name = sent[at] as string;
    if (wanted.includes(name) && !own.includes(name)) passed.push(name, sent[at + 1] as string);
  }
  return passed;
}

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/** A stream that was read to its end. */
export interface WholeStream {
  readonly status: number;
  readonly headers: TransportStream["headers"];
  readonly body: Buffer;
}

export async function whole(stream: TransportStream): Promise<WholeStream> {
  return { status: stream.status, headers: stream.headers, body: await stream.readAll() };
}
