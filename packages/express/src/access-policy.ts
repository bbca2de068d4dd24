import type { IncomingMessage } from "node:http";
import type { BlockList } from "node:net";
import type { CallOptions, Principal, Route } from "@signalbox/kernel";
import { GatewayError, mayReach } from "@signalbox/kernel";
import { isJsonObject } from "@signalbox/kernel/http";
import type { AccessOptions } from "./access-options.ts";
import { addressSet, isIn } from "./access-options.ts";

/** `closed`: not served to anybody. */
export type RouteAccess = "public" | "caller" | "admin" | "closed";

const LONGEST_USER = 256;
const MOST_HOPS = 32;
const WITH_PORT = /^(?:\[([^\]]+)\]|(\d+\.\d+\.\d+\.\d+))(?::\d+)?$/;

/** What `AccessOptions` ask for, made ready. There is none where nothing is asked for. */
export class AccessPolicy {
  readonly keyHeaders: readonly string[];
  readonly #userHeaders: readonly string[];
  readonly #addresses: BlockList | undefined;
  readonly #proxies: BlockList | undefined;
  readonly #options: AccessOptions;
  /** Of routes where it is not what the route itself says. */
  readonly #routes = new Map<Route, RouteAccess>();

  /** @throws {GatewayError} `option_invalid` */
  constructor(options: AccessOptions) {
    this.#options = options;
    this.keyHeaders = (options.keyHeaders ?? []).map((name) => name.toLowerCase());
    this.#userHeaders = (options.endUserHeaders ?? []).map((name) => name.toLowerCase());
    const { allowedAddresses: allowed, trustedProxies: trusted } = options;
    this.#addresses = allowed === undefined ? undefined : addressSet(allowed, "allowedAddresses");
    this.#proxies = trusted === undefined ? undefined : addressSet(trusted, "trustedProxies");
  }

  /** @throws {GatewayError} `option_invalid` for a pattern that fits no route */
  cover(routes: readonly Route[], dialectRoutes: ReadonlySet<Route>): void {
    const { publicRoutes, adminOnlyRoutes, allowedRoutes } = this.#options;
    const fitting = (option: string, patterns: readonly string[]): ReadonlySet<Route> => {
      const found = new Set<Route>();
      for (const pattern of patterns) {
        const fits = routes.filter((route) => fitsRoute(pattern, route, dialectRoutes.has(route)));
        if (fits.length === 0) {
          throw new GatewayError("option_invalid", `${option}: no route is served at ${JSON.stringify(pattern)}`, {
            param: option,
            source: "express",
          });
        }
        for (const route of fits) found.add(route);
      }
      return found;
    };
    // the later ones win: what only administrators may do is never public
    for (const route of fitting("publicRoutes", publicRoutes ?? [])) this.#routes.set(route, "public");
    const admins = fitting("adminOnlyRoutes", adminOnlyRoutes ?? []);
    for (const route of admins) this.#routes.set(route, "admin");
    if (allowedRoutes === undefined) return;
    const allowed = fitting("allowedRoutes", allowedRoutes);
    for (const route of routes) {
      if (!allowed.has(route) && this.access(route) !== "public") this.#routes.set(route, "closed");
    }
  }

  access(route: Route): RouteAccess {
    return this.#routes.get(route) ?? (route.kind === "call" ? "caller" : route.access);
  }

  /**
   * Where a request comes from: the last address that no trusted proxy has. Undefined: a proxy says something else than
   * an address.
   */
  addressOf({ socket, headers }: IncomingMessage): string | undefined {
    let address = socket.remoteAddress;
    if (this.#proxies === undefined || address === undefined || !isIn(this.#proxies, address)) return address;
    const forwarded = headers["x-forwarded-for"];
    if (forwarded === undefined) return address;
    const hops = String(forwarded).split(",");
    if (hops.length > MOST_HOPS) return undefined;
    for (const hop of hops.toReversed()) {
      const text = hop.trim();
      const parts = WITH_PORT.exec(text);
      address = parts?.[1] ?? parts?.[2] ?? text;
      if (!isIn(this.#proxies, address)) return address;
    }
    return address;
  }

  /** @throws {GatewayError} `ip_not_allowed` */
  checkAddress(address: string | undefined): void {
    if (this.#addresses === undefined || (address !== undefined && isIn(this.#addresses, address))) return;
    throw new GatewayError("ip_not_allowed", "this address may not call");
  }

  /** Wishes of a call, with the end user that headers name. */
  optionsOf({ headers }: IncomingMessage, options: CallOptions | undefined): CallOptions | undefined {
    for (const name of this.#userHeaders) {
      const user = headers[name];
      if (user === undefined || user === "") continue;
      if (typeof user !== "string" || user.length > LONGEST_USER) {
        throw new GatewayError("invalid_request", `the header ${name} must name one end user`, { param: name });
      }
      return { ...options, endUserId: user };
    }
    return options;
  }

  /** @throws {GatewayError} `invalid_request` naming what is missing, or what is too much */
  checkRequest(body: unknown, options: CallOptions | undefined, principal: Principal): void {
    const { requiredParams = [], requireUser = false, refuseTags = false } = this.#options;
    const user = principal.endUserId ?? options?.endUserId;
    if (requireUser && user === undefined) throw missing("user");
    if (refuseTags && (options?.tags ?? []).length > 0) {
      throw new GatewayError("invalid_request", "tags are set by the operator, not by requests", {
        param: "metadata.tags",
      });
    }
    for (const path of requiredParams) {
      if (!(path === "user" && user !== undefined) && !has(body, path)) throw missing(path);
    }
  }
}

function fitsRoute(pattern: string, { path, method }: Route, ofDialect: boolean): boolean {
  return mayReach(
    { id: "", kind: "anonymous", admin: false, models: [], routes: [pattern] },
    { path, method, ofDialect },
  );
}

function has(body: unknown, path: string): boolean {
  let value = body;
  for (const name of path.split(".")) {
    if (!isJsonObject(value) || !Object.hasOwn(value, name)) return false;
    value = value[name];
  }
  return value !== undefined && value !== null && value !== "";
}

function missing(param: string): GatewayError {
  return new GatewayError("invalid_request", `the request must have ${JSON.stringify(param)}`, { param });
}
