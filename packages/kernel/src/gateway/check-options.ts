import { GatewayError } from "../errors.ts";
import type { GatewayOptions } from "../gateway.ts";
import { didYouMean } from "../nearest.ts";

const OPTIONS: readonly string[] = Object.keys({
  plugins: true,
  deployments: true,
  fallbacks: true,
  aliases: true,
  timeoutMs: true,
  idleTimeoutMs: true,
  dropParams: true,
  caching: true,
  container: true,
} satisfies Record<keyof GatewayOptions, true>);

/** @throws {GatewayError} `option_invalid` naming the option and the nearest valid one */
export function checkOptions(options: GatewayOptions): void {
  if (typeof options !== "object" || options === null) {
    throw new GatewayError("option_invalid", "createGateway takes an object: createGateway({ plugins: [...] })");
  }
  for (const key of Object.keys(options)) {
    if (OPTIONS.includes(key)) continue;
    throw new GatewayError(
      "option_invalid",
      `createGateway has no option ${JSON.stringify(key)}.${didYouMean(key, OPTIONS)}`,
      {
        param: key,
      },
    );
  }
  if (!Array.isArray(options.plugins)) {
    throw new GatewayError("option_invalid", '"plugins" must be an array of plugins', { param: "plugins" });
  }
  for (const key of ["timeoutMs", "idleTimeoutMs"] as const) {
    const value = options[key];
    if (value === undefined || (Number.isFinite(value) && value > 0)) continue;
    throw new GatewayError("option_invalid", `"${key}" must be a positive number of milliseconds`, { param: key });
  }
}
