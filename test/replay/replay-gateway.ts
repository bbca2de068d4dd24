import type { Listener } from "@signalbox/express/node";
import { listen } from "@signalbox/express/node";
import type { Deployment, ListedModel, Plugin, Provider } from "@signalbox/kernel";
import { createGateway, Secret } from "@signalbox/kernel";
import { replayServer } from "@signalbox/kernel/testkit";
import { anthropic, anthropicDialects } from "@signalbox/provider-anthropic";
import { openai, openaiDialects } from "@signalbox/provider-openai";
import { findHost, hostProvider, openaiCompatible } from "@signalbox/provider-openai-compatible";
import type { Recording, WireDialect } from "./recordings.ts";

export interface ReplayedReply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

type Pieces = "whole" | number;

/** A gateway with one deployment per recording, in front of an upstream that replays it. */
export interface ReplayGateway {
  chat(recording: Recording, client: WireDialect, pieces: Pieces): Promise<ReplayedReply>;
  embed(recording: Recording, pieces: Pieces): Promise<ReplayedReply>;
  models(recording: Recording, pieces: Pieces): Promise<readonly ListedModel[]>;
  close(): Promise<void>;
}

/** Recordings name their host as the recorders did; the table of hosts has its own names. */
const HOST_NAMES: Readonly<Record<string, string>> = {
  moonshotai: "moonshotai",
  "vercel-gateway": "vercel",
  alibaba: "alibaba",
};

function providerFor(recording: Recording, baseUrl: string): Provider {
  if (recording.dialect === "anthropic") return anthropic({ apiKey: "key" });
  if (recording.provider === "openai") return openai({ apiKey: "key" });
  const host = findHost(HOST_NAMES[recording.provider] ?? recording.provider);
  if (host !== undefined) return hostProvider(host.id, { apiKey: "key", baseUrl });
  return openaiCompatible({ name: recording.provider, baseUrl });
}

/** The client's own words, where the recording has them in the client's dialect. */
function ownBody(recording: Recording, client: WireDialect): Readonly<Record<string, unknown>> | undefined {
  const { requestBody, dialect } = recording;
  return client === dialect && requestBody !== undefined && "messages" in requestBody ? requestBody : undefined;
}

/** Whether an OpenAI client asks for the usage of a stream: as recorded, and always where the request is ours. */
export function asksForUsage(recording: Recording): boolean {
  const own = ownBody(recording, "openai");
  return own === undefined || (own.stream_options as { include_usage?: boolean } | undefined)?.include_usage === true;
}

/** What a gateway of recordings has besides. */
export interface ReplayOptions {
  readonly plugins?: readonly Plugin[];
  /** Facts about every deployment, its price among them. */
  readonly info?: Deployment["info"];
}

export async function replayGateway(
  recordings: readonly Recording[],
  { plugins = [], info }: ReplayOptions = {},
): Promise<ReplayGateway> {
  const upstream = await replayServer((request) => {
    const [, index = "", pieces = ""] = /\/replay\/(\d+)\/(\w+)/.exec(request.path) ?? [];
    const { response } = recordings[Number(index)] as Recording;
    return { ...response, delivery: pieces === "whole" ? "whole" : Number(pieces) };
  });
  const providers = new Map<string, Provider>();
  for (const recording of recordings) {
    const provider = providerFor(recording, `${upstream.url}/v1`);
    if (!providers.has(provider.name)) providers.set(provider.name, provider);
  }
  const deployment = (index: number, pieces: Pieces): Deployment => {
    const recording = recordings[index] as Recording;
    const base = `${upstream.url}/replay/${index}/${pieces}`;
    return {
      id: `replay-${index}-${pieces}`,
      model: `replay-${index}-${pieces}`,
      provider: providerFor(recording, base).name,
      upstreamModel: recording.model === "" ? "unnamed" : recording.model,
      apiKey: new Secret("key"),
      baseUrl: recording.dialect === "anthropic" ? base : `${base}/v1`,
      dropParams: true,
      ...(info !== undefined && { info }),
    };
  };
  const gateway = await createGateway({
    plugins: [
      {
        name: "vendors",
        providers: [...providers.values()],
        dialects: [...openaiDialects(), ...anthropicDialects()],
        router: {
          // Deployments by name: replay-<recording>-<size of pieces>
          route(call) {
            const [, index = "", pieces = ""] = /^replay-(\d+)-(\w+)$/.exec(call.request.model) ?? [];
            return [deployment(Number(index), pieces === "whole" ? "whole" : Number(pieces))];
          },
        },
      },
      ...plugins,
    ],
  });
  const listener: Listener = await listen(gateway, { port: 0, host: "127.0.0.1" });

  async function post(path: string, body: unknown): Promise<ReplayedReply> {
    const response = await fetch(`${listener.url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return { status: response.status, headers: response.headers, body: await response.text() };
  }
  const model = (recording: Recording, pieces: Pieces): string => `replay-${recordings.indexOf(recording)}-${pieces}`;

  return {
    chat(recording, client, pieces) {
      const { stream } = recording;
      const own = ownBody(recording, client);
      const plain = {
        messages: [{ role: "user", content: "replay" }],
        ...(client === "anthropic" && { max_tokens: 64 }),
      };
      const body = { ...(own ?? plain), model: model(recording, pieces), stream };
      // The translated direction must see usage to compare it.
      const usage =
        own === undefined && client === "openai" && stream ? { stream_options: { include_usage: true } } : {};
      return post(client === "openai" ? "/v1/chat/completions" : "/v1/messages", { ...body, ...usage });
    },
    embed(recording, pieces) {
      const input = recording.requestBody?.input ?? "replay";
      return post("/v1/embeddings", { model: model(recording, pieces), input, encoding_format: "float" });
    },
    models: (recording, pieces) => gateway.listModels(deployment(recordings.indexOf(recording), pieces)),
    async close() {
      await listener.close();
      await gateway.close();
      await upstream.close();
    },
  };
}
