import { randomUUID } from "node:crypto";

/** Keys that no other test and no earlier run has used. */
export function ownNamespace(): string {
  return `test-${randomUUID()}`;
}
