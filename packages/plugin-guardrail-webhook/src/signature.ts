import { createHmac } from "node:crypto";
import type { Secret } from "@signalbox/kernel";

/**
 * The signature of a question, as `x-signalbox-signature` carries it: `v1=` and the hex digits of HMAC-SHA-256 over the
 * time, a dot and the body. The time, epoch seconds, stands in `x-signalbox-timestamp`; a service refuses old ones.
 */
export function signature(secret: Secret, timestamp: string, body: string): string {
  return `v1=${createHmac("sha256", secret.reveal()).update(`${timestamp}.${body}`).digest("hex")}`;
}
