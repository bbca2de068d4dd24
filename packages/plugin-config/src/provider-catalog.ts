import type { Provider } from "@signalbox/kernel";

/** The providers an application offers to its configuration. Made by the application: this package imports none. */
export interface ProviderCatalog {
  /** The provider for the word before the slash in `openai/gpt-5`. */
  resolve(slug: string): Provider | undefined;
  /** Every slug that can be resolved, for suggestions. */
  slugs(): readonly string[];
  /** The slug of the vendor that a bare model name belongs to: `anthropic` for `claude-opus-4-7`. */
  byPrefix(model: string): string | undefined;
  /** Environment variables that usually hold the provider's key, best first. */
  keyVariables?(slug: string): readonly string[];
}

/** A catalog of providers that are there already: slugs are their names, bare models go by `modelPrefixes`. */
export function providerCatalog(providers: readonly Provider[]): ProviderCatalog {
  const byName = new Map(providers.map((provider) => [provider.name, provider]));
  return {
    resolve: (slug) => byName.get(slug),
    slugs: () => [...byName.keys()],
    byPrefix: (model) => longestPrefix(providers, model),
  };
}

/** The name of the provider with the longest matching prefix. */
function longestPrefix(
  providers: readonly Pick<Provider, "name" | "modelPrefixes">[],
  model: string,
): string | undefined {
  let best: { readonly name: string; readonly length: number } | undefined;
  for (const { name, modelPrefixes = [] } of providers) {
    for (const prefix of modelPrefixes) {
      if (model.startsWith(prefix) && prefix.length > (best?.length ?? 0)) best = { name, length: prefix.length };
    }
  }
  return best?.name;
}
