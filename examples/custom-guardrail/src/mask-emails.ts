import type { Guardrail } from "@signalbox/kernel";
import { maskPattern } from "@signalbox/kernel";

/**
 * Masks e-mail addresses in what goes to the model and in what comes back, reasoning and tool arguments included.
 * All lengths are bounded, so that a stream is never held back further than one address.
 */
export function maskEmails(): Guardrail {
  return maskPattern({
    name: "mask-emails",
    pattern: /[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}/,
    mask: "[e-mail]",
  });
}
