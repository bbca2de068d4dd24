import type { Provider } from "@signalbox/kernel";
import { didYouMean } from "@signalbox/kernel";
import { KNOWN_PROVIDERS } from "./known-providers.ts";
import type { ProviderCatalog } from "./provider-catalog.ts";

/** Who serves a model, and under what name. */
export interface FoundModel {
  readonly slug: string;
  readonly provider: Provider;
  readonly upstreamModel: string;
}

/**
 * Reads a model string: `openai/gpt-5`, or a bare name such as `claude-opus-4-7` whose vendor is known.
 *
 * @param forced provider named beside the model (`custom_llm_provider`); the string may then hold slashes of its own
 * @throws {Error} whose message completes the sentence "<key> …"
 */
export function findModel(model: string, forced: string | undefined, catalog: ProviderCatalog): FoundModel {
  if (forced !== undefined) {
    const upstream = model.startsWith(`${forced}/`) ? model.slice(forced.length + 1) : model;
    return found(forced, upstream, model, catalog);
  }
  const slash = model.indexOf("/");
  if (slash > 0) return found(model.slice(0, slash), model.slice(slash + 1), model, catalog);
  const slug = catalog.byPrefix(model);
  if (slug !== undefined) return found(slug, model, model, catalog);
  throw new Error(
    `names no provider, and ${JSON.stringify(model)} is not a known vendor's; write "<provider>/${model}"`,
  );
}

function remedy(slug: string, catalog: ProviderCatalog): string {
  const near = didYouMean(slug, catalog.slugs());
  return near === "" ? '; begin with a provider of this gateway, as in "openai/gpt-5"' : `.${near}`;
}

function found(slug: string, upstreamModel: string, model: string, catalog: ProviderCatalog): FoundModel {
  const provider = catalog.resolve(slug);
  if (provider === undefined) {
    const reason = KNOWN_PROVIDERS.includes(slug)
      ? `needs the provider ${JSON.stringify(slug)}, which this gateway does not have`
      : `names an unknown provider ${JSON.stringify(slug)}${remedy(slug, catalog)}`;
    throw new Error(reason);
  }
  if (upstreamModel === "") throw new Error(`names no model: ${JSON.stringify(model)}; write "${slug}/<model>"`);
  return { slug, provider, upstreamModel };
}
