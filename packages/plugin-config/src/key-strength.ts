import { isIP } from "node:net";
import type { Secret } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";

const SHORTEST = 16;
const FEWEST_CHARACTERS = 6;

/** Words that examples and habits put into keys. They add nothing that an attacker would have to guess. */
const COMMON_WORDS: ReadonlySet<string> = new Set(
  `sk pk key keys api master admin root proxy gateway litellm signalbox openai anthropic llm my your our the a an
   is this in here secret secrets password passwort passwd pass token test testing tests demo dev prod production
   staging local example sample placeholder default change changeme me please replace todo fixme fake dummy insecure
   not real random string value strong long very super top safe some any put insert enter xxx xxxx abc abcd foo bar
   baz qwerty letmein welcome hunter 1 12 123 1234 12345 123456 1234567 12345678 123456789 1234567890 0000 1111`
    .trim()
    .split(/\s+/),
);

/** Why a master key is easy to guess; undefined when it is not. */
export function keyWeakness(key: string): string | undefined {
  if (key.length < SHORTEST) return `is shorter than ${SHORTEST} characters`;
  if (new Set(key).size < FEWEST_CHARACTERS) return "repeats a few characters";
  const rest = key.split(/[^A-Za-z0-9]+/).filter((word) => !COMMON_WORDS.has(word.toLowerCase()));
  return rest.join("").length < SHORTEST ? "is mostly made of well-known words" : undefined;
}

/** Whether only this machine can reach a server that listens there. */
export function isLoopback(host: string): boolean {
  const address = host.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  if (address === "localhost" || address === "::1") return true;
  const mapped = address.startsWith("::ffff:") ? address.slice(7) : address;
  return isIP(mapped) === 4 && mapped.startsWith("127.");
}

/**
 * Whether a server with this key may listen on this host. On loopback a missing key is fine and a weak one costs a
 * warning; on any other address both are refused, the weak one unless it is allowed on purpose.
 *
 * @returns a warning to print, if any
 * @throws {GatewayError} `option_invalid` with the remedy
 */
export function checkMasterKey(key: Secret | undefined, host: string, allowWeak: boolean = false): string | undefined {
  if (key === undefined) {
    if (isLoopback(host)) return undefined;
    throw new GatewayError(
      "option_invalid",
      `without a master key the gateway listens on loopback only, and ${host} is open to other machines; ` +
        "set general_settings.master_key, or listen on 127.0.0.1",
      { source: "config", param: "host" },
    );
  }
  const weakness = keyWeakness(key.reveal());
  if (weakness === undefined) return undefined;
  const remedy = "make one with: openssl rand -hex 32";
  if (isLoopback(host) || allowWeak) return `the master key ${weakness}: anyone may guess it; ${remedy}`;
  throw new GatewayError(
    "option_invalid",
    `the master key ${weakness}, and ${host} is open to other machines; ${remedy}, listen on 127.0.0.1, ` +
      "or set general_settings.allow_weak_master_key: true",
    { source: "config", param: "master_key" },
  );
}
