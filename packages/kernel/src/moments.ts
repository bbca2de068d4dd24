import type { Attempt, Call } from "./call.ts";
import type { GatewayError } from "./errors.ts";
import type { Usage } from "./usage.ts";

/**
 * What observers see. They can neither change nor fail a call: what they throw is reported once per plugin on the
 * `diagnostics_channel` named `signalbox:observer-error`, what they return is ignored.
 */
export interface Moments {
  callStarted?(call: Call): void;
  callSucceeded?(call: Call, usage: Usage | undefined): void;
  callFailed?(call: Call, error: GatewayError): void;
  attemptStarted?(attempt: Attempt): void;
  attemptSucceeded?(attempt: Attempt, usage: Usage | undefined): void;
  attemptFailed?(attempt: Attempt, error: GatewayError): void;
}

export const MOMENTS: readonly (keyof Moments)[] = [
  "callStarted",
  "callSucceeded",
  "callFailed",
  "attemptStarted",
  "attemptSucceeded",
  "attemptFailed",
];
