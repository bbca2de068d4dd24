import { z } from "zod";
import { isGatewayError } from "../../errors.ts";

/** Why a service gave no answer that can be used. The reason holds neither text of a call nor a credential. */
export class RemoteFailure extends Error {
  override readonly name = "RemoteFailure";
  readonly reason: string;
  /** The service does not take this question; it may be well all the same. */
  readonly ofQuestion: boolean;

  constructor(guardrail: string, reason: string, ofQuestion: boolean = false) {
    super(`the service of guardrail ${JSON.stringify(guardrail)} gave no answer: ${reason}`);
    this.reason = reason;
    this.ofQuestion = ofQuestion;
  }
}

/** What is thrown while asking, in words that may stand in logs. */
export function failureOf(guardrail: string, thrown: unknown): RemoteFailure {
  if (thrown instanceof RemoteFailure) return thrown;
  // messages of errors may quote what was sent or received
  return new RemoteFailure(guardrail, isGatewayError(thrown) ? thrown.code : reasonOf(thrown));
}

function reasonOf(thrown: unknown): string {
  if (thrown instanceof z.core.$ZodError || thrown instanceof RangeError) return "its answer is of an unknown shape";
  return `the question failed with ${thrown instanceof Error ? thrown.constructor.name : typeof thrown}`;
}
