import { z } from "zod";
import type { Plugin } from "@signalbox/kernel";
import type { Judgement, RemoteQuestion, TextJudge } from "@signalbox/kernel/guardrails";
import { remoteGuardrail, remotePlugin } from "@signalbox/kernel/guardrails";
import type { WebhookGuardrailOptions } from "./options.ts";
import { checkOptions } from "./options.ts";
import { questionBody, requestData } from "./question-body.ts";
import { signature } from "./signature.ts";

const PATH = "/beta/litellm_basic_guardrail_api";
const LONGEST_REASON = 500;

const Answer = z.object({
  action: z.enum(["BLOCKED", "NONE", "GUARDRAIL_INTERVENED"]),
  blocked_reason: z.string().nullish(),
  texts: z.array(z.string()).nullish(),
});

/**
 * Guardrails that ask services of the operator's own, in a generic form that many vendors' services speak too.
 *
 * ```ts
 * webhookGuardrails([{ name: "policy", baseUrl: "https://guard.example.com", signingSecret: new Secret("…") }]);
 * ```
 *
 * @throws {GatewayError} `option_invalid`
 */
export function webhookGuardrails(list: readonly WebhookGuardrailOptions[]): Plugin {
  checkOptions(list);
  return remotePlugin(
    "guardrail-webhook",
    // What it says may depend on pictures, tools and the time of day: nothing is kept unless the operator says so.
    list.map((options) => remoteGuardrail({ cache: false, ...options }, webhookJudge(options))),
  );
}

function webhookJudge(options: WebhookGuardrailOptions): TextJudge {
  const { baseUrl, path = PATH, apiKey, signingSecret, headers } = options;
  const url = `${baseUrl.replace(/\/+$/, "")}${path}`;

  async function judge(texts: readonly string[], question: RemoteQuestion): Promise<readonly Judgement[]> {
    const body = JSON.stringify(questionBody(question.call, question.mode, texts, options));
    const timestamp = String(Math.floor(Date.now() / 1000));
    const answer = Answer.parse(
      await question.send({
        url,
        headers: {
          ...headers,
          authorization: apiKey && `Bearer ${apiKey.reveal()}`,
          ...(signingSecret !== undefined && {
            "x-signalbox-timestamp": timestamp,
            "x-signalbox-signature": signature(signingSecret, timestamp, body),
          }),
        },
        body,
      }),
    );
    if (answer.action === "BLOCKED") {
      const reason = answer.blocked_reason?.slice(0, LONGEST_REASON);
      const category = { kind: "blocked", ...(reason !== undefined && reason !== "" && { reason }) };
      // a request without words is judged, too
      return [...texts, ...(texts.length === 0 ? [""] : [])].map(() => ({ categories: [category] }));
    }
    if (answer.action === "NONE" || texts.length === 0) return texts.map(() => ({}));
    // without texts there is nothing to put in the place of what it has intervened against
    if (answer.texts?.length !== texts.length) throw new RangeError("it answered with another number of texts");
    return answer.texts.map((text) => ({ text }));
  }

  return { wholeRequests: true, maxTexts: 10_000, keyOf: (call) => JSON.stringify(requestData(call)), judge };
}
