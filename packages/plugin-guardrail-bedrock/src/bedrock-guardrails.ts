import type { Plugin } from "@signalbox/kernel";
import type { Judgement, RemoteQuestion, TextJudge } from "@signalbox/kernel/guardrails";
import { remoteGuardrail, remotePlugin } from "@signalbox/kernel/guardrails";
import { awsSigner } from "./aws-signer.ts";
import { judgement } from "./judgement.ts";
import type { BedrockGuardrailOptions } from "./options.ts";
import { checkOptions } from "./options.ts";

/** One text unit is 1,000 characters; 25 of them are the least that an account may send at once. */
const LONGEST = 20_000;

/**
 * Guardrails that apply a guardrail of Amazon Bedrock, whatever model is called.
 *
 * ```ts
 * bedrockGuardrails([{ name: "bedrock", guardrailId: "abc123", guardrailVersion: "1", region: "eu-central-1", credentials }]);
 * ```
 *
 * @throws {GatewayError} `option_invalid`
 */
export function bedrockGuardrails(list: readonly BedrockGuardrailOptions[]): Plugin {
  checkOptions(list);
  return remotePlugin(
    "guardrail-bedrock",
    list.map((options) => remoteGuardrail(options, bedrockJudge(options))),
  );
}

function bedrockJudge(options: BedrockGuardrailOptions): TextJudge {
  const { guardrailId, guardrailVersion = "DRAFT", region, credentials, apiKey } = options;
  const { baseUrl = `https://bedrock-runtime.${region}.amazonaws.com` } = options;
  const path = `/guardrail/${encodeURIComponent(guardrailId)}/version/${guardrailVersion}/apply`;
  const url = new URL(`${baseUrl.replace(/\/+$/, "")}${path}`);
  const sign =
    credentials &&
    awsSigner(region, typeof credentials === "function" ? credentials : (): typeof credentials => credentials);

  async function judgementOf(text: string, question: RemoteQuestion): Promise<Judgement> {
    const source = question.mode === "input" ? "INPUT" : "OUTPUT";
    const body = JSON.stringify({ source, content: [{ text: { text } }] });
    const headers =
      sign === undefined ? { authorization: apiKey && `Bearer ${apiKey.reveal()}` } : await sign(url, body);
    return judgement(text, await question.send({ url: url.href, headers, body }));
  }

  return {
    maxCharacters: LONGEST,
    judge: async (texts, question) => await Promise.all(texts.map((text) => judgementOf(text, question))),
  };
}
