import type { ErrorCode } from "../errors.ts";
import { isGatewayError } from "../errors.ts";
import type { ServedBy } from "../trace.ts";

/**
 * How the one that asked has fared: with an answer for all, with a failure for all, or with neither, so that each asks
 * for itself.
 */
export type FlightOutcome =
  | { readonly kind: "answered"; readonly result: unknown; readonly servedBy: ServedBy | undefined }
  | { readonly kind: "failed"; readonly error: unknown }
  /** What ended it concerns its own caller alone: one of the others takes its place. */
  | { readonly kind: "left" }
  /** The answer is good for its own caller alone. */
  | { readonly kind: "unshared" };

/** One call that asks upstream, and all that wait for its answer. */
export interface Flight {
  readonly outcome: Promise<FlightOutcome>;
  land(outcome: FlightOutcome): void;
  /** The answer can be found in the cache: nobody needs to wait any more. */
  end(): void;
}

/** Says the same to everyone who asks the same. */
const SHARED: ReadonlySet<ErrorCode> = new Set([
  "unsupported_parameter",
  "unsupported_operation",
  "invalid_request",
  "context_length_exceeded",
  "content_policy_violation",
  "provider_rate_limited",
  "provider_auth_failed",
  "provider_error",
  "provider_overloaded",
  "no_healthy_deployment",
]);

/** Equal calls of one process that are on their way. */
export class SingleFlight {
  readonly #flights = new Map<string, Flight>();

  get(key: string): Flight | undefined {
    return this.#flights.get(key);
  }

  begin(key: string): Flight {
    let land: (outcome: FlightOutcome) => void = () => undefined;
    const outcome = new Promise<FlightOutcome>((resolve) => {
      land = resolve;
    });
    const flight: Flight = {
      outcome,
      land,
      end: () => {
        if (this.#flights.get(key) === flight) this.#flights.delete(key);
      },
    };
    this.#flights.set(key, flight);
    return flight;
  }
}

/** What a failure means to those who wait. */
export function failedFlight(error: unknown): FlightOutcome {
  return isGatewayError(error) && SHARED.has(error.code) ? { kind: "failed", error } : { kind: "left" };
}

/** The outcome, or the end of the waiting call. */
export async function waitFor(flight: Flight, signal: AbortSignal): Promise<FlightOutcome> {
  if (signal.aborted) throw signal.reason;
  let leave: (() => void) | undefined;
  const left = new Promise<never>((_, reject) => {
    leave = () => reject(signal.reason);
    signal.addEventListener("abort", leave, { once: true });
  });
  try {
    return await Promise.race([flight.outcome, left]);
  } finally {
    if (leave !== undefined) signal.removeEventListener("abort", leave);
  }
}
