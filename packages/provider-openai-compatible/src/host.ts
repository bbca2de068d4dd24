import type { WireProfile } from "@signalbox/provider-openai";

/** How a host differs from OpenAI, in the words of the wire format's profile. */
export type Quirks = Omit<WireProfile, "name" | "baseUrl" | "apiKeyRequired">;

/** What the table says about a host. */
export interface HostRow {
  /** The word before the slash in model strings: `groq` in `groq/llama-3.3-70b`. */
  readonly id: string;
  readonly name: string;
  /** Other words for the same host, such as LiteLLM's. */
  readonly aliases?: readonly string[];
  /** Where it answers, with version prefix. `{NAME}` is the value of that environment variable. */
  readonly baseUrl: string;
  /** Environment variables that replace the base URL; the first that is set counts. */
  readonly baseUrlEnv?: readonly string[];
  /** Environment variables that hold the API key; the first that is set counts. */
  readonly env: readonly string[];
  /** Answers without an API key: servers of one's own. */
  readonly keyOptional?: boolean;
  /** The host of which this is another region or plan, with the same credential variable. */
  readonly variantOf?: string;
  /** Passes requests on to models of several vendors, OpenAI's own among them: takes its newer words too. */
  readonly reseller?: boolean;
  readonly docs?: string;
}

/** A host that speaks the OpenAI Chat Completions format. */
export interface Host extends HostRow {
  /** Path of `baseUrl`, put after an address that has none: `/v1` for `http://localhost:11434`. Empty: nothing. */
  readonly pathPrefix: string;
  readonly quirks: Quirks;
}
