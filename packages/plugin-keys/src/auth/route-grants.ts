/** What a kind of key may reach. */
export const KEY_TYPES = {
  default: null,
  llm_api: ["llm_api_routes"],
  management: ["management_routes"],
  read_only: ["info_routes"],
} as const;

/** Words that stand for many routes. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  llm_api_routes: ["calls"],
  openai_routes: ["calls"],
  management_routes: ["resources"],
  info_routes: ["reads"],
  spend_tracking_routes: ["/spend/*"],
  global_spend_tracking_routes: ["/global/*"],
};

/** Whether a text can stand in a grant of routes. */
export function isKnownRoute(route: string): boolean {
  return route.startsWith("/") || Object.hasOwn(WORDS, route);
}

/** A grant of routes as the gateway reads it: words of the management API replaced. Undefined: no bound. */
export function routesOf(granted: readonly string[] | null): readonly string[] | undefined {
  if (granted === null) return undefined;
  return granted.flatMap((route) => (Object.hasOwn(WORDS, route) ? (WORDS[route] as readonly string[]) : [route]));
}

/** Whether every route of one grant is in the other. */
export function coversRoutes(held: readonly string[] | null, wanted: readonly string[] | null): boolean {
  if (held === null) return true;
  if (wanted === null) return false;
  return wanted.every((route) => held.some((own) => covers(own, route)));
}

function covers(own: string, route: string): boolean {
  if (own === route || (own === "management_routes" && route === "info_routes")) return true;
  return own.endsWith("/*") && route.startsWith(own.slice(0, -1));
}
