import type { ProviderKit } from "./provider-bench.ts";
import { chatCases } from "./provider-chat.ts";
import { errorCases } from "./provider-errors.ts";
import { faultCases } from "./provider-faults.ts";
import { lifecycleCases } from "./provider-lifecycle.ts";
import { operationCases, requestCases } from "./provider-request.ts";
import { Cases } from "./runner.ts";

/**
 * The conformance suite of providers: registers its cases with the runner that is handed in.
 *
 * The author gives what the vendor sends (`wire`) and what it means; the kit serves it from a loopback upstream, whole,
 * by line and byte by byte, breaks it in every way a network can, leaves early, aborts, and checks what was sent.
 */
export function testProvider(kit: ProviderKit): void {
  const cases = new Cases(kit.runner, kit.capabilities);
  cases.group("provider conformance", () => {
    operationCases(kit, cases);
    if (cases.has("chat")) chatCases(kit, cases);
    requestCases(kit, cases);
    errorCases(kit, cases);
    faultCases(kit, cases);
    lifecycleCases(kit, cases);
  });
}
