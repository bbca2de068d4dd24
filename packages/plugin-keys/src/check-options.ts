import { z } from "zod";
import { didYouMean, GatewayError, Secret } from "@signalbox/kernel";
import { jwtOptions } from "./jwt/jwt-settings.ts";
import type { KeysOptions, KeysSettings } from "./options.ts";
import { policyFields } from "./routes/policy-fields.ts";

const LONGEST_MS = 86_400_000;
const SHORTEST_PEPPER = 32;

const milliseconds = z.number().min(1).max(LONGEST_MS);
const schema = z.strictObject({
  masterKeys: z.array(z.instanceof(Secret)).min(1),
  pepper: z.instanceof(Secret),
  replacePepper: z.boolean().exactOptional(),
  cacheTtlMs: milliseconds.exactOptional(),
  cacheMaxAgeMs: milliseconds.exactOptional(),
  cacheSize: z.int().min(1).max(10_000_000).exactOptional(),
  storeTimeoutMs: milliseconds.exactOptional(),
  management: z.boolean().exactOptional(),
  jwt: jwtOptions.exactOptional(),
  modelGroups: z.record(z.string().min(1), z.array(z.string().min(1))).exactOptional(),
  ...policyFields,
});

/** @throws {GatewayError} `option_invalid` naming the option, never its value */
export function checkOptions(options: KeysOptions): KeysSettings {
  const checked = schema.safeParse(options);
  if (!checked.success) {
    const issue = checked.error.issues[0] as z.core.$ZodIssue;
    if (issue.code === "unrecognized_keys") {
      const name = issue.keys[0] as string;
      const param = [...issue.path.map(String), name].join(".");
      const known = issue.path.length === 0 ? Object.keys(schema.shape) : [];
      throw invalid(`there is no option ${JSON.stringify(param)}.${didYouMean(name, known)}`, param);
    }
    const path = issue.path.map(String).join(".");
    throw invalid(`"${path}": ${issue.message}`, path);
  }
  const { masterKeys, pepper } = checked.data;
  if (Buffer.byteLength(pepper.reveal()) < SHORTEST_PEPPER) {
    throw invalid(
      `"pepper" must have at least ${SHORTEST_PEPPER} bytes; make one with: openssl rand -hex 32`,
      "pepper",
    );
  }
  if (masterKeys.some((key) => key.reveal() === ""))
    throw invalid('"masterKeys": a key must not be empty', "masterKeys");
  const settings = {
    replacePepper: false,
    cacheTtlMs: 60_000,
    cacheMaxAgeMs: 300_000,
    cacheSize: 100_000,
    storeTimeoutMs: 1_000,
    management: true,
    ...checked.data,
  } as KeysSettings;
  if (settings.cacheMaxAgeMs < settings.cacheTtlMs) {
    throw invalid('"cacheMaxAgeMs" must not be less than "cacheTtlMs"', "cacheMaxAgeMs");
  }
  return settings;
}

function invalid(message: string, param: string): GatewayError {
  return new GatewayError("option_invalid", `keys: ${message}`, { param, source: "keys" });
}
