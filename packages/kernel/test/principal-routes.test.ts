import { describe, expect, it } from "vitest";
import type { Principal } from "@signalbox/kernel";
import { mayReach } from "@signalbox/kernel";

const principal = (routes?: readonly string[]): Principal => ({
  id: "k",
  kind: "key",
  admin: false,
  models: [],
  ...(routes !== undefined && { routes }),
});
const chat = { path: "/v1/chat/completions", method: "POST", ofDialect: true };
const info = { path: "/key/info", method: "GET", ofDialect: false };
const update = { path: "/key/update", method: "POST", ofDialect: false };

describe("the routes that a principal may use", () => {
  it.each([
    [undefined, [true, true, true]],
    [[], [false, false, false]],
    [["calls"], [true, false, false]],
    [["resources"], [false, true, true]],
    [["reads"], [false, true, false]],
    [["/key/*"], [false, true, true]],
    [
      ["/key/info", "/v1/chat/completions"],
      [true, true, false],
    ],
  ])("%j", (routes, expected) => {
    expect([chat, info, update].map((route) => mayReach(principal(routes), route))).toEqual(expected);
  });
});
