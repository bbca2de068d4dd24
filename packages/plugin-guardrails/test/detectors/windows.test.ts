import fc from "fast-check";
import * as re2js from "re2js";
import { describe, expect, it } from "vitest";
import type { Finding, TextFinder } from "@signalbox/kernel";
import { textGuardrail } from "@signalbox/kernel";
import { testCall } from "@signalbox/kernel/testkit";
import { addressDetector } from "../../src/detectors/address.ts";
import { personalDetectors, secretDetectors } from "../../src/detectors/built-in.ts";
import { codeDetector } from "../../src/detectors/codes.ts";
import { assignmentDetector, connectionDetector } from "../../src/detectors/credentials.ts";
import type { Detector } from "../../src/detectors/detector.ts";
import { emailDetector } from "../../src/detectors/email.ts";
import { ipv6Detector } from "../../src/detectors/ip.ts";
import { keywordDetector } from "../../src/detectors/keywords.ts";
import { mergedFinder } from "../../src/detectors/merged-finder.ts";
import { numberDetector } from "../../src/detectors/numbers.ts";
import { jwtDetector, privateKeyDetector, tokenDetector } from "../../src/detectors/secrets.ts";
import { userPatternDetector } from "../../src/detectors/user-pattern.ts";

const JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
const PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA75\nab+/==\n-----END RSA PRIVATE KEY-----";

/** Pieces that findings are made of, so that random texts meet their edges. */
const PIECES = [
  ..." \n.,:;-/()+@=_#[]\"'",
  ..."aB9é字🌍",
  "ada@example.com",
  "ada",
  "example.org",
  "4111 1111 1111 1111",
  "4111111111111111",
  "378282246310005",
  "1111",
  "+49 30 901820",
  "(212) 555-0187",
  "212-555-0187",
  "tel ",
  "0301 2345",
  "GB82 WEST 1234 5698 7654 32",
  "DE89370400440532013000",
  "DE89 3704",
  "123-45-6789",
  "ssn ",
  "AB 12 34 56 C",
  "12345678Z",
  "X1234567L",
  "192.168.12.7",
  "version ",
  "2001:db8::8a2e:370:7334",
  "fe80::1",
  "12 Main Street",
  "Hauptstraße 12",
  "12 rue de la Paix",
  "Calle Mayor 5",
  "via ",
  "Roma 3",
  "AKIAIOSFODNN7EXAMPLE",
  "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
  "sk-",
  "abcDEF123456789ghiJKL",
  JWT,
  JWT.slice(0, 30),
  "eyJ",
  PEM,
  PEM.slice(0, 50),
  "-----BEGIN ",
  "-----",
  "postgres://u:s3cr3tpw@db/x",
  "://",
  "api_key=",
  "password: ",
  "Bearer ",
  "aB3dE5fG7hJ9kL1mN3",
  "forbidden",
  "for",
  "top secret",
  "top",
  "PRJ-1234",
  "PRJ-",
];
const texts = fc.array(fc.constantFrom(...PIECES), { maxLength: 14 }).map((pieces) => pieces.join(""));

const all: Record<string, Detector> = {
  numbers: numberDetector(new Set(["card", "nationalId", "ip", "phone"])),
  codes: codeDetector(new Set(["iban", "nationalId"])),
  email: emailDetector,
  ipv6: ipv6Detector,
  address: addressDetector,
  tokens: tokenDetector,
  jwt: jwtDetector,
  privateKey: privateKeyDetector,
  connections: connectionDetector,
  assignments: assignmentDetector,
  keywords: keywordDetector(["forbidden", "top secret", "字"], "keyword"),
  pattern: userPatternDetector({ pattern: "PRJ-[0-9]{2,4}(?:-[a-z]{1,3})?", kind: "project" }, re2js),
};

function before(findings: readonly Finding[], place: number): readonly Finding[] {
  return findings.filter(({ start }) => start < place);
}

describe.each(Object.entries(all))("%s", (_name, detector) => {
  it("finds in front of what is settled what it finds in the whole, wherever the text is cut", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const whole = detector.find(text, 0);
        for (let cut = 0; cut <= text.length; cut++) {
          const settled = detector.settled?.(text.slice(0, cut), 0) ?? 0;
          expect(settled).toBeLessThanOrEqual(cut);
          expect(before(detector.find(text.slice(0, cut), 0), settled)).toEqual(before(whole, settled));
        }
      }),
      { numRuns: 250 },
    );
  });

  it("finds the same from any place on", () => {
    fc.assert(
      fc.property(texts, fc.nat(200), (text, from) => {
        if (detector.sequential === true || from > text.length) return;
        const whole = detector.find(text, 0).filter(({ start }) => start >= from);
        expect(detector.find(text, from)).toEqual(whole);
      }),
      { numRuns: 300 },
    );
  });

  it("waits for a bounded number of characters", () => {
    for (const piece of PIECES) {
      const text = `${piece} `.repeat(3_000);
      expect(text.length - (detector.settled?.(text, 0) ?? 0)).toBeLessThanOrEqual(8_400);
    }
  });
});

function streamed(finder: TextFinder, pieces: readonly string[]): string {
  const call = testCall({ operation: "chat", request: { model: "m", messages: [] } });
  const guardrail = textGuardrail({ name: "mask", finder, action: "mask", mask: (_value, { kind }) => `<${kind}>` });
  let [pending, seen, out] = ["", "", ""];
  for (const [at, piece] of [...pieces, ""].entries()) {
    pending += piece;
    const final = at === pieces.length;
    const verdict = guardrail.checkWindow?.(call, {
      text: pending,
      before: seen.slice(-256),
      final,
      choice: 0,
      kind: "text",
    });
    if (verdict === undefined || "then" in verdict || verdict.action !== "release") throw new Error("no release");
    const consumed = pending.slice(0, verdict.consume);
    out += verdict.text ?? consumed;
    seen += consumed;
    pending = pending.slice(verdict.consume);
  }
  expect(pending).toBe("");
  return out;
}

const finder = mergedFinder(Object.values(all));

it("all together mask a stream as they mask the whole, for every split", () => {
  fc.assert(
    fc.property(texts, fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 40 }), (text, lengths) => {
      const whole = streamed(finder, [text]);
      expect(
        streamed(
          finder,
          [...text].flatMap((character) => character.split("")),
        ),
      ).toBe(whole);
      const pieces: string[] = [];
      let at = 0;
      for (const length of lengths) {
        pieces.push(text.slice(at, at + length));
        at += length;
      }
      expect(streamed(finder, [...pieces, text.slice(at)])).toBe(whole);
      for (let cut = 1; cut < text.length; cut += 3)
        expect(streamed(finder, [text.slice(0, cut), text.slice(cut)])).toBe(whole);
    }),
    { numRuns: 300 },
  );
});

it("says nothing of what it masked", () => {
  const personal = mergedFinder([...personalDetectors(), ...secretDetectors()]);
  const text = "Ada (ada@example.com) paid with 4111 1111 1111 1111 from 192.168.12.7.";
  expect(streamed(personal, [text])).toBe("Ada (<email>) paid with <card> from <ip>.");
});
