import type { Deployment, Secret } from "@signalbox/kernel";
import type { EndpointSource, WireEndpoint, WireProfile, WireResource } from "./profile.ts";

/** What an operator sets for all deployments of a provider. A deployment's own values win. */
export interface EndpointSettings {
  readonly apiKey?: Secret | undefined;
  readonly baseUrl?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

const DEFAULT_PATHS: Readonly<Record<WireResource, string>> = {
  chat: "/chat/completions",
  complete: "/completions",
  embed: "/embeddings",
  models: "/models",
};

/** The path of a resource below the base URL; null where the host has none. */
export function resourcePath(profile: WireProfile, resource: WireResource): string | null {
  const path = profile.paths?.[resource];
  return path === undefined ? DEFAULT_PATHS[resource] : path;
}

/** Endpoints from base URL, path and API key. Each is computed once per deployment object. */
export function wireEndpoints(profile: WireProfile, settings: EndpointSettings = {}): EndpointSource {
  const known = new WeakMap<Deployment, Map<WireResource, WireEndpoint>>();
  return function endpointOf({ deployment }, resource) {
    let endpoints = known.get(deployment);
    if (endpoints === undefined) {
      endpoints = new Map();
      known.set(deployment, endpoints);
    }
    let endpoint = endpoints.get(resource);
    if (endpoint === undefined) {
      endpoint = buildEndpoint(profile, settings, deployment, resource);
      endpoints.set(resource, endpoint);
    }
    return endpoint;
  };
}

function buildEndpoint(
  profile: WireProfile,
  settings: EndpointSettings,
  deployment: Deployment,
  resource: WireResource,
): WireEndpoint {
  const base = new URL(deployment.baseUrl ?? settings.baseUrl ?? profile.baseUrl);
  const folder = base.pathname.endsWith("/") ? base.pathname.slice(0, -1) : base.pathname;
  const headers = new Map<string, string>();
  if (resource !== "models") headers.set("content-type", "application/json");
  const apiKey = deployment.apiKey ?? settings.apiKey;
  if (apiKey !== undefined) {
    const { header, prefix = "" } = profile.auth ?? { header: "authorization", prefix: "Bearer " };
    headers.set(header.toLowerCase(), `${prefix}${apiKey.reveal()}`);
  }
  for (const source of [profile.headers, settings.headers, deployment.headers]) {
    for (const [name, value] of Object.entries(source ?? {})) headers.set(name.toLowerCase(), value);
  }
  return {
    origin: base.origin,
    path: `${folder}${resourcePath(profile, resource) ?? ""}${base.search}`,
    headers: [...headers].flat(),
  };
}
