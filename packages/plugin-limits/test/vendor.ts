import type { Deployment, Plugin, Principal } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";

/** What the vendor does with a call: by the model's upstream name. */
type Behaviour = "answer" | "stream" | "fail" | "fail-late" | "silent" | "stall";

export interface Vendor {
  readonly plugin: Plugin;
  /** Calls that are being answered now, and the most there ever were. */
  readonly running: { now: number; most: number; total: number };
}

const USAGE = { inputTokens: 30, outputTokens: 20 };

/** A provider whose answers use 30 tokens in and 20 out. `delayMs` is how long each takes. */
export function vendor(delayMs: number = 0): Vendor {
  const running = { now: 0, most: 0, total: 0 };
  return {
    running,
    plugin: {
      name: "vendor",
      providers: [
        {
          name: "vendor",
          operations: {
            async *chat({ upstreamModel, signal }) {
              const behaviour = upstreamModel as Behaviour;
              running.now += 1;
              running.total += 1;
              running.most = Math.max(running.most, running.now);
              try {
                if (behaviour === "silent") await ended(signal);
                if (behaviour === "fail") throw new GatewayError("provider_error", "out of order");
                if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
                if (behaviour !== "answer") {
                  yield { type: "replyStart", id: "r", model: upstreamModel, createdAt: 0 };
                  yield { type: "partStart", choice: 0, index: 0, part: { type: "text", text: "" } };
                  yield { type: "partDelta", choice: 0, index: 0, delta: { type: "text", text: "Hello" } };
                  if (behaviour === "stall") await ended(signal);
                  if (behaviour === "fail-late") throw new GatewayError("provider_error", "broke off");
                  yield { type: "partEnd", choice: 0, index: 0 };
                  yield { type: "choiceEnd", choice: 0, finishReason: "stop" };
                  yield { type: "usageUpdate", usage: USAGE };
                }
                return {
                  id: "r",
                  model: upstreamModel,
                  createdAt: 0,
                  choices: [{ index: 0, content: [{ type: "text", text: "Hello" }], finishReason: "stop" }],
                  usage: USAGE,
                };
              } finally {
                running.now -= 1;
              }
            },
          },
        },
      ],
    },
  };
}

function ended(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

const BEHAVIOURS: readonly Behaviour[] = ["answer", "stream", "fail", "fail-late", "silent", "stall"];

/** A public model for each behaviour. */
export const DEPLOYMENTS: readonly Deployment[] = BEHAVIOURS.map((model) => ({
  id: model,
  model,
  provider: "vendor",
  upstreamModel: model,
}));

/** A request of an estimated 104 tokens: 4 in, 100 out. */
export function request(model: string) {
  return { model, messages: [{ role: "user" as const, content: [] }], maxOutputTokens: 100 };
}

export function key(id: string, more: Partial<Principal> = {}): Principal {
  return { id, kind: "key", admin: false, models: ["*"], ...more };
}
