import { setImmediate as aTurn } from "node:timers/promises";
import { GatewayError, isGatewayError } from "../errors.ts";
import type { ReservationAnswer, ReservationRequest } from "../ledger.ts";
import type { ReservationStore } from "../ledger-stores.ts";
import { RETRY_AFTER_MS } from "./overloaded.ts";

/**
 * Asks for a reservation. Counters of this process are told of ends when the event loop comes round: before one is
 * refused while some are `settling`, these give back what they have not used.
 *
 * @throws {GatewayError} what the store says, or `ledger_unavailable` when it says nothing
 */
export async function askStore(
  store: ReservationStore,
  request: ReservationRequest,
  leaseMs: number,
  settling: boolean,
): Promise<ReservationAnswer> {
  try {
    const answer = await store.reserve(request, leaseMs);
    if (answer.held || !settling || store.ownProcess !== true) return answer;
    await aTurn();
    return await store.reserve(request, leaseMs);
  } catch (thrown) {
    if (isGatewayError(thrown)) throw thrown;
    const message = "the ledger cannot tell what is left of the budget";
    throw new GatewayError("ledger_unavailable", message, { cause: thrown, retryAfterMs: RETRY_AFTER_MS });
  }
}
