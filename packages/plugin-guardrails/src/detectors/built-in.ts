import { addressDetector } from "./address.ts";
import { codeDetector } from "./codes.ts";
import { assignmentDetector, connectionDetector } from "./credentials.ts";
import type { Detector } from "./detector.ts";
import { emailDetector } from "./email.ts";
import { ipv6Detector } from "./ip.ts";
import type { NumberKind } from "./numbers.ts";
import { numberDetector } from "./numbers.ts";
import { jwtDetector, privateKeyDetector, tokenDetector } from "./secrets.ts";

/** Personal data that the built-in detectors tell. */
export type PersonalKind = "email" | "phone" | "card" | "iban" | "nationalId" | "ip" | "address";

/** All of them. */
export const PERSONAL_KINDS: readonly PersonalKind[] = [
  "email",
  "phone",
  "card",
  "iban",
  "nationalId",
  "ip",
  "address",
];

const NUMBERS: readonly NumberKind[] = ["card", "nationalId", "ip", "phone"];

/** Detectors of personal data, those with check digits first. */
export function personalDetectors(kinds: readonly PersonalKind[] = PERSONAL_KINDS): readonly Detector[] {
  const wanted: ReadonlySet<string> = new Set(kinds);
  const numbers = NUMBERS.filter((kind) => wanted.has(kind));
  const codes = (["iban", "nationalId"] as const).filter((kind) => wanted.has(kind));
  return [
    ...(codes.length > 0 ? [codeDetector(new Set(codes))] : []),
    ...(numbers.length > 0 ? [numberDetector(new Set(numbers))] : []),
    ...(wanted.has("email") ? [emailDetector] : []),
    ...(wanted.has("ip") ? [ipv6Detector] : []),
    ...(wanted.has("address") ? [addressDetector] : []),
  ];
}

/** Detectors of keys, tokens, passwords and private keys. */
export function secretDetectors(): readonly Detector[] {
  return [tokenDetector, jwtDetector, privateKeyDetector, connectionDetector, assignmentDetector];
}
