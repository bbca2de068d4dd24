import type { Deployment, Provider } from "@signalbox/kernel";
import { GatewayError, isGatewayError, Secret } from "@signalbox/kernel";
import type { FoundModel, ProviderCatalog } from "@signalbox/plugin-config/basics";
import { findModel } from "@signalbox/plugin-config/basics";
import { anthropic } from "@signalbox/provider-anthropic";
import { mock } from "@signalbox/provider-mock";
import { openai } from "@signalbox/provider-openai";
import { findHost, HOSTS, hostProvider, hostsWithKeys } from "@signalbox/provider-openai-compatible";

export type Environment = Readonly<Record<string, string | undefined>>;

/** A provider with a package of its own, and the variables in which its users keep key and address. */
interface Vendor {
  readonly keys: readonly string[];
  readonly baseUrls: readonly string[];
  create(options: { readonly baseUrl?: string }): Provider;
}

const VENDORS: ReadonlyMap<string, Vendor> = new Map([
  ["openai", { keys: ["OPENAI_API_KEY"], baseUrls: ["OPENAI_BASE_URL", "OPENAI_API_BASE"], create: openai }],
  ["anthropic", { keys: ["ANTHROPIC_API_KEY"], baseUrls: ["ANTHROPIC_BASE_URL"], create: anthropic }],
  ["mock", { keys: [], baseUrls: [], create: () => mock() }],
]);

/** Vendors that the start message names when their key is missing. */
export const MAIN_VENDORS: readonly { readonly slug: string; readonly variable: string }[] = [
  { slug: "openai", variable: "OPENAI_API_KEY" },
  { slug: "anthropic", variable: "ANTHROPIC_API_KEY" },
];

export interface Catalog extends ProviderCatalog {
  keyVariables(slug: string): readonly string[];
  /** Slugs of providers for which the environment holds a key. */
  withKeys(): readonly string[];
  /** The key of a provider, from the environment. */
  key(slug: string): Secret | undefined;
  /** A model of the command line as a deployment, with the key from the environment. */
  deployment(model: string): { readonly provider: Provider; readonly deployment: Deployment };
}

/** Every provider this gateway can use, each made when it is first asked for. */
export function createCatalog(env: Environment): Catalog {
  const made = new Map<string, Provider>();

  function make(slug: string): Provider | undefined {
    const vendor = VENDORS.get(slug);
    if (vendor !== undefined) {
      const baseUrl = firstSet(vendor.baseUrls, env);
      return vendor.create(baseUrl === undefined ? {} : { baseUrl });
    }
    const host = findHost(slug);
    return host === undefined ? undefined : hostProvider(host.id, { env });
  }

  const catalog: Catalog = {
    resolve(slug) {
      const name = VENDORS.has(slug) ? slug : (findHost(slug)?.id ?? slug);
      const known = made.get(name);
      if (known !== undefined) return known;
      const provider = make(name);
      if (provider !== undefined) made.set(name, provider);
      return provider;
    },
    slugs: () => [...VENDORS.keys(), ...HOSTS.flatMap(({ id, aliases = [] }) => [id, ...aliases])],
    byPrefix: (model) => owners().find(({ prefix }) => model.startsWith(prefix))?.slug,
    keyVariables: (slug) => VENDORS.get(slug)?.keys ?? findHost(slug)?.env ?? [],
    withKeys: () => [
      ...[...VENDORS].filter(([, { keys }]) => firstSet(keys, env) !== undefined).map(([slug]) => slug),
      ...hostsWithKeys(env).map(({ id }) => id),
    ],
    key(slug) {
      const value = firstSet(catalog.keyVariables(slug), env);
      return value === undefined ? undefined : new Secret(value);
    },
    deployment(model) {
      const found = find(model);
      const apiKey = catalog.key(found.slug);
      const deployment: Deployment = {
        id: model,
        model,
        provider: found.provider.name,
        upstreamModel: found.upstreamModel,
        ...(apiKey !== undefined && { apiKey }),
      };
      validate(found, deployment);
      return { provider: found.provider, deployment };
    },
  };

  function find(model: string): FoundModel {
    try {
      return findModel(model, undefined, catalog);
    } catch (error) {
      throw new GatewayError("option_invalid", `--model ${model} ${(error as Error).message}`, { cause: error });
    }
  }

  function validate({ slug, provider }: FoundModel, deployment: Deployment): void {
    try {
      provider.validate?.(deployment);
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      const remedy = deployment.apiKey === undefined ? `; set ${catalog.keyVariables(slug).join(" or ")}` : "";
      throw new GatewayError(error.code, `--model ${deployment.model}: ${error.message}${remedy}`, { cause: error });
    }
  }

  /** Prefixes of bare model names, the longest first. */
  function owners(): readonly { readonly slug: string; readonly prefix: string }[] {
    return [...VENDORS.keys()]
      .flatMap((slug) => (catalog.resolve(slug)?.modelPrefixes ?? []).map((prefix) => ({ slug, prefix })))
      .sort((one, other) => other.prefix.length - one.prefix.length);
  }

  return catalog;
}

function firstSet(names: readonly string[], env: Environment): string | undefined {
  return names.map((name) => env[name]).find((value) => value !== undefined && value !== "");
}
