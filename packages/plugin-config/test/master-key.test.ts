import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { Secret } from "@signalbox/kernel";
import { checkMasterKey, isLoopback, keyWeakness, masterKey, openAccess } from "@signalbox/plugin-config";

const KEY = "sk-8f2d91c64e0b7a35";
const shown = (
  key: string | undefined,
): { key: string | undefined; headers: Record<string, string>; remoteAddress: string } => ({
  key,
  headers: {},
  remoteAddress: "127.0.0.1",
});

describe("the master key", () => {
  const authenticator = masterKey(new Secret(KEY));

  test("lets its owner in, again and again", () => {
    const principal = { id: "master", kind: "master", admin: true, models: ["*"] };
    expect(authenticator.required).toBe(true);
    for (let time = 0; time < 3; time++) expect(authenticator.authenticate(shown(KEY))).toEqual(principal);
  });

  test("lets nobody else in, before and after it was used, and always in the same words", () => {
    const fresh = masterKey(KEY);
    const wrong = [
      undefined,
      "",
      " ",
      `${KEY} `,
      KEY.slice(0, -1),
      `${KEY}x`,
      KEY.toUpperCase(),
      "x".repeat(9_000),
      "é",
    ];
    for (const used of [false, true]) {
      if (used) fresh.authenticate(shown(KEY));
      const errors = wrong.map((key) => {
        try {
          return fresh.authenticate(shown(key));
        } catch (error) {
          return error;
        }
      });
      for (const error of errors) expect(error).toMatchObject({ code: "invalid_api_key", status: 401 });
      expect(new Set(errors.map((error) => (error as Error).message)).size).toBe(1);
    }
  });

  test("is not kept in the clear, nor as a hash that could be presented", () => {
    authenticator.authenticate(shown(KEY));
    expect(inspect(authenticator, { depth: 9, showHidden: true })).not.toContain(KEY);
    expect(JSON.stringify(authenticator)).toBe('{"required":true}');
  });
});

test("open access lets everyone in as an administrator, and says that it asks for nothing", () => {
  expect(openAccess().required).toBe(false);
  expect(openAccess().authenticate(shown(undefined))).toEqual({
    id: "anonymous",
    kind: "anonymous",
    admin: true,
    models: ["*"],
  });
});

test.each([
  ["sk-1234", "is shorter than 16 characters"],
  ["sk-7f3a91", "is shorter than 16 characters"],
  ["sk-aaaaaaaaaaaaaaaaaaaaaaaaaaaa", "repeats a few characters"],
  ["sk-change-me-please", "is mostly made of well-known words"],
  ["sk-litellm-master-key-1234", "is mostly made of well-known words"],
  ["MY_SUPER_SECRET_PASSWORD_HERE", "is mostly made of well-known words"],
  ["sk-your-gateway-secret-goes-in-here", "is mostly made of well-known words"],
  ["sk-8f2d91c64e0b7a35", undefined],
  ["jQ3vXk0Zp9LwRt7yBn2M", undefined],
  ["correct-horse-battery-staple-pile", undefined],
])("%s %s", (key, weakness) => {
  expect(keyWeakness(key)).toBe(weakness);
});

test.each([
  ["127.0.0.1", true],
  ["127.8.9.1", true],
  ["localhost", true],
  ["::1", true],
  ["[::1]", true],
  ["::ffff:127.0.0.1", true],
  ["0.0.0.0", false],
  ["::", false],
  ["192.168.1.4", false],
  ["127.0.0.1.example.com", false],
  ["localhost.example.com", false],
])("%s is loopback: %s", (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});

describe("a server", () => {
  const weak = new Secret("sk-1234");

  test("without a key stays on this machine", () => {
    expect(checkMasterKey(undefined, "127.0.0.1")).toBeUndefined();
    for (const allowWeak of [false, true]) {
      expect(() => checkMasterKey(undefined, "0.0.0.0", allowWeak)).toThrow(
        "without a master key the gateway listens on loopback only, and 0.0.0.0 is open to other machines; " +
          "set general_settings.master_key, or listen on 127.0.0.1",
      );
    }
  });

  test("with a weak key warns here, and is refused elsewhere unless that is allowed", () => {
    const warning =
      "the master key is shorter than 16 characters: anyone may guess it; make one with: openssl rand -hex 32";
    expect(checkMasterKey(weak, "127.0.0.1")).toBe(warning);
    expect(checkMasterKey(weak, "0.0.0.0", true)).toBe(warning);
    expect(() => checkMasterKey(weak, "0.0.0.0")).toThrow(
      /^the master key is shorter .*general_settings\.allow_weak_master_key: true$/,
    );
  });

  test("with a good key listens anywhere", () => {
    expect(checkMasterKey(new Secret(KEY), "0.0.0.0")).toBeUndefined();
  });
});
