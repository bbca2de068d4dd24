import { GatewayError } from "../errors.ts";
import type { ModelSelector } from "../model-selector.ts";
import { didYouMean, nearest } from "../nearest.ts";
import type { Plugin } from "../plugin.ts";
import type { Router } from "../router.ts";
import type { SharedState } from "../state/shared-state.ts";
import type { Strategy } from "../strategy.ts";

// A strategy whose `report` is misspelt would learn nothing, and nobody would notice.

/** `function`: it must be there. `function?`: it may be. */
type Kind = "function" | "function?" | "text" | "texts";

const STRATEGY = {
  name: "text",
  order: "function",
  validate: "function?",
  begin: "function?",
  answered: "function?",
  report: "function?",
} satisfies Record<keyof Strategy, Kind>;

const ROUTER = {
  route: "function",
  recovers: "function?",
  hedgeAfterMs: "function?",
  mayHedge: "function?",
  validate: "function?",
  begin: "function?",
  answered: "function?",
  report: "function?",
} satisfies Record<keyof Router, Kind>;

const SELECTOR = {
  model: "text",
  targets: "texts",
  select: "function",
} satisfies Record<keyof ModelSelector, Kind>;

const SHARED_STATE = {
  get: "function",
  set: "function",
  delete: "function",
  add: "function",
  sum: "function",
  watch: "function",
  close: "function?",
} satisfies Record<keyof SharedState, Kind>;

const FITS: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  function: (value) => typeof value === "function",
  "function?": (value) => value === undefined || typeof value === "function",
  text: (value) => typeof value === "string" && value !== "",
  texts: (value) => Array.isArray(value) && value.length > 0 && value.every((text) => FITS.text(text)),
};

const WANTED: Readonly<Record<Kind, string>> = {
  function: "a function",
  "function?": "a function, or nothing",
  text: "a text that is not empty",
  texts: "a list of texts that is not empty",
};

/** @throws {GatewayError} `option_invalid` naming owner, member and remedy */
export function checkStrategy(strategy: Strategy, owner: string): void {
  checkMembers("the strategy", strategy, STRATEGY, owner);
}

/** @throws {GatewayError} `option_invalid` naming owner, member and remedy */
export function checkRouter(router: Router, owner: string): void {
  checkMembers("the router", router, ROUTER, owner);
}

/** @throws {GatewayError} `option_invalid` naming owner, member and remedy */
export function checkSelectors(plugin: Plugin): void {
  for (const selector of plugin.selectors ?? []) checkMembers("a selector", selector, SELECTOR, plugin.name);
}

/** @throws {GatewayError} `option_invalid` naming owner, member and remedy */
export function checkSharedState(state: SharedState, plugins: readonly Plugin[]): void {
  const owner = plugins.find(({ sharedState }) => sharedState === state)?.name;
  checkMembers("the shared state", state, SHARED_STATE, owner ?? "the application's container");
}

/** An object may carry members of its own, as long as they do not look like one of ours. */
function checkMembers(what: string, value: object, members: Readonly<Record<string, Kind>>, owner: string): void {
  const named = `${what} of ${JSON.stringify(owner)}`;
  const names = Object.keys(members);
  const refuse = (problem: string): never => {
    throw new GatewayError("option_invalid", `${named} ${problem}`, { source: owner, param: "plugins" });
  };
  if (typeof value !== "object" || value === null) {
    refuse(
      `is ${value === null || value === undefined ? value : `a ${typeof value}`}; it must be an object with ${names.join(", ")}`,
    );
  }
  for (const member of Object.keys(value)) {
    if (names.includes(member) || nearest(member, names).length === 0) continue;
    refuse(`has a member ${JSON.stringify(member)}, which has no effect.${didYouMean(member, names)}`);
  }
  for (const [member, kind] of Object.entries(members)) {
    if (FITS[kind]((value as Record<string, unknown>)[member])) continue;
    refuse(`has no fitting ${JSON.stringify(member)}; it must be ${WANTED[kind]}`);
  }
}
