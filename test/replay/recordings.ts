import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Exchange } from "@signalbox/kernel/testkit";

export type WireDialect = "openai" | "anthropic";

export interface Recording {
  readonly file: string;
  readonly provider: string;
  readonly endpoint: "chat" | "messages" | "embeddings" | "models";
  readonly dialect: WireDialect;
  readonly model: string;
  readonly stream: boolean;
  readonly status: number;
  readonly requestBody: Readonly<Record<string, unknown>> | undefined;
  readonly response: Exchange & { readonly status: number };
}

/** Folder of recorded provider traffic, if there is one. */
export const FIXTURES: string | undefined = process.env.SIGNALBOX_FIXTURES;

const ENDPOINTS = new Set(["chat", "messages", "embeddings", "models"]);

/** Vendors whose listing or embeddings are formats of their own, served by packages of their own. */
const OWN_FORMAT = new Set([
  "gemini",
  "vertex",
  "replicate",
  "cohere",
  "bedrock",
  "ollama models",
  "ollama embeddings",
]);

interface IndexRow {
  readonly file: string;
  readonly provider: string;
  readonly endpoint: string;
  readonly model: string;
  readonly status: number;
  readonly stream: boolean;
}

/** Every recorded exchange for chat, embeddings and models in the OpenAI or Anthropic format. */
export function recordings(folder: string): readonly Recording[] {
  const index = JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as readonly IndexRow[];
  return (
    index
      .filter(({ provider, endpoint }) => {
        return ENDPOINTS.has(endpoint) && !OWN_FORMAT.has(provider) && !OWN_FORMAT.has(`${provider} ${endpoint}`);
      })
      .map((row) => {
        const { request, response } = JSON.parse(readFileSync(join(folder, row.file), "utf8"));
        const anthropic = row.endpoint === "messages" || (row.endpoint === "models" && row.provider === "anthropic");
        return {
          file: row.file,
          provider: row.provider,
          endpoint: row.endpoint as Recording["endpoint"],
          dialect: anthropic ? ("anthropic" as const) : ("openai" as const),
          model: row.model,
          stream: row.stream,
          status: row.status,
          requestBody: request?.body,
          response,
        };
      })
      // A single model's page is no listing; the gateway never asks for one.
      .filter(
        ({ endpoint, response }) => endpoint !== "models" || response.body === undefined || isListing(response.body),
      )
  );
}

function isListing(body: unknown): boolean {
  return Array.isArray(body) || Array.isArray((body as { data?: unknown }).data) || "error" in (body as object);
}
