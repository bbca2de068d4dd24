import type { Authenticator, Principal } from "@signalbox/kernel";

const ANONYMOUS: Principal = { id: "anonymous", kind: "anonymous", admin: true, models: ["*"] };

/** Nobody has a key: whoever reaches the gateway may use and manage it. Surfaces then listen on loopback only. */
export function openAccess(): Authenticator {
  return { required: false, authenticate: () => ANONYMOUS };
}
