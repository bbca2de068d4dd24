import type { IncomingMessage, ServerResponse } from "node:http";
import type {
  Decoded,
  DialectRequest,
  Gateway,
  OpenCall,
  OperationName,
  Principal,
  ResourceRoute,
  Route,
} from "@signalbox/kernel";
import { GatewayError, mayReach } from "@signalbox/kernel";
import { readBody } from "./body-reader.ts";
import { credentialsOf, policedCredentials } from "./credentials.ts";
import { Exchange } from "./exchange.ts";
import type { HandlerOptions } from "./handler-options.ts";
import { HttpRequest, hasBody } from "./http-request.ts";
import { openCall } from "./open-call.ts";
import { checkShape } from "./request-shape.ts";
import type { PathMatch, RouteEntry } from "./route-table.ts";
import { NO_PARAMS, selectRoute } from "./route-table.ts";
import { sendError } from "./send-error.ts";
import { sendLong } from "./send-long.ts";
import { sendReply } from "./send-reply.ts";
import { StreamWriter } from "./stream-writer.ts";
import type { Surface } from "./surface.ts";
import { createSurface } from "./surface.ts";

const ANONYMOUS: Principal = { id: "anonymous", kind: "anonymous", admin: false, models: [] };

/** Serves requests with a gateway, in any framework that has Node's own request and response. */
export interface RequestHandler {
  /**
   * Never throws. Calls `next`, when there is one, for a path that is nobody's; without it such a path is answered
   * with 404.
   */
  (request: IncomingMessage, response: ServerResponse, next?: () => void): void;
  /** From now on readiness says no, and every reply closes its connection. */
  startDraining(): void;
}

/**
 * The code behind both surfaces. Order: route, shape of the request, identity, limits, body, dialect, gateway.
 *
 * @throws {GatewayError} `option_invalid`
 */
export function createHandler(gateway: Gateway, options: HandlerOptions = {}): RequestHandler {
  const surface = createSurface(gateway, options);
  const handle = (request: IncomingMessage, response: ServerResponse, next?: () => void): void => {
    const url = request.url ?? "/";
    const mark = url.indexOf("?");
    const path = mark < 0 ? url : url.slice(0, mark);
    let match: PathMatch | undefined;
    let failure: unknown;
    try {
      match = surface.table.find(path);
    } catch (thrown) {
      failure = thrown;
    }
    if (match === undefined && failure === undefined && next !== undefined) {
      next();
      return;
    }
    const exchange = new Exchange(surface, request, response, path);
    exchange.dialect = match === undefined ? surface.table.closest(path) : match.entry.dialect;
    void serve(exchange, match, failure);
  };
  return Object.assign(handle, {
    startDraining() {
      surface.draining = true;
    },
  });
}

/** One function for the whole way: every further asynchronous one would cost each request a promise and a turn. */
async function serve(exchange: Exchange, match: PathMatch | undefined, failure: unknown): Promise<void> {
  try {
    const { request } = exchange;
    const { route } = chooseRoute(exchange, match, failure);
    const identified = identify(exchange, route);
    const principal = isPromise(identified) ? await identified : identified;
    exchange.principal = principal;

    const http = new HttpRequest(request, exchange.path, match?.params ?? NO_PARAMS);
    if (hasBody(request) && !http.takeParsed()) {
      const waitingSince = performance.now();
      const bytes = await readBody(request, http.checkBody(exchange.surface.settings), exchange.surface.settings);
      exchange.waitedMs = performance.now() - waitingSince;
      http.fill(bytes);
    }

    if (route.kind === "resource") {
      await serveResource(exchange, route, http, principal);
      return;
    }
    const decoding = route.decode(http) as Decoded<OperationName> | Promise<Decoded<OperationName>>;
    const decoded = "then" in decoding ? await decoding : decoding;
    const { policy } = exchange.surface;
    const options = policy === undefined ? decoded.options : policy.optionsOf(request, decoded.options);
    policy?.checkRequest(http.body?.value, options, principal);
    const encoder = openCall(exchange, route, decoded, options, principal);
    const open = exchange.open as OpenCall<OperationName>;
    if (encoder.streaming) await new StreamWriter(exchange, open, encoder).run();
    else {
      // nobody sees the events of a reply that is not streamed; read to its end, it closes itself
      let step = await open.reply.next();
      while (step.done !== true) step = await open.reply.next();
      if (!exchange.closed) sendReply(exchange, encoder.result(step.value as never), encoder.headers);
    }
    exchange.unwatch();
  } catch (thrown) {
    exchange.unwatch();
    fail(exchange, thrown);
  }
}

function fail(exchange: Exchange, thrown: unknown): void {
  try {
    sendError(exchange, thrown);
  } catch (second) {
    // not even the error could be told
    exchange.response.destroy();
    process.emitWarning(`a response could not be written: ${String(second)}`, "SignalboxWarning");
  }
}

/** @throws {GatewayError} for a malformed request, and for one that is nobody's */
function chooseRoute(exchange: Exchange, match: PathMatch | undefined, failure: unknown): RouteEntry {
  const { request, surface } = exchange;
  checkShape(request, surface.settings);
  if (failure !== undefined) throw failure;
  if (match === undefined) throw new GatewayError("not_found", `nothing is served at ${shown(exchange)}`);
  const entry = selectRoute(match.entry, request.method ?? "GET", request.headers);
  if (entry === undefined) throw notAllowed(exchange, match);
  exchange.dialect = entry.dialect;
  return entry;
}

/** Who is calling, decided on the matched route alone. */
function identify(exchange: Exchange, route: Route): Principal | Promise<Principal> {
  const { request, surface } = exchange;
  const { policy, gateway, settings } = surface;
  const access = policy?.access(route) ?? (route.kind === "call" ? "caller" : route.access);
  if (access === "public") return ANONYMOUS;
  // an application's own function does not relieve a request of where it comes from
  const credentials = policy === undefined ? undefined : policedCredentials(request, policy);
  if (access === "closed") throw new GatewayError("route_not_allowed", "this route is not open to callers");
  const own = settings.principal;
  const identified =
    own === undefined ? gateway.authenticator.authenticate(credentials ?? credentialsOf(request)) : own(request);
  return isPromise(identified)
    ? identified.then((principal) => admitted(principal, access, route, surface))
    : admitted(identified, access, route, surface);
}

function isPromise(value: Principal | PromiseLike<Principal>): value is Promise<Principal> {
  return typeof (value as { readonly then?: unknown } | undefined)?.then === "function";
}

/** An application's own function may answer nothing: that is nobody. */
function admitted(
  principal: Principal | undefined,
  access: "caller" | "admin",
  route: Route,
  { dialectRoutes }: Surface,
): Principal {
  if (principal === undefined || principal === null)
    throw new GatewayError("invalid_api_key", "no valid API key was given");
  if (access === "admin" && !principal.admin) {
    throw new GatewayError("route_not_allowed", "this route is for administrators");
  }
  if (principal.routes !== undefined) {
    const { path, method } = route;
    if (!mayReach(principal, { path, method, ofDialect: dialectRoutes.has(route) })) {
      throw new GatewayError("route_not_allowed", "this key may not use this route");
    }
  }
  return principal;
}

async function serveResource(
  exchange: Exchange,
  route: ResourceRoute,
  request: DialectRequest,
  principal: Principal,
): Promise<void> {
  const { gateway } = exchange.surface;
  const reply = await route.handle(request, {
    principal,
    models: () => gateway.catalog(principal),
    routes: () => gateway.routes,
  });
  if (exchange.response.destroyed) return;
  if (reply.rest === undefined) sendReply(exchange, reply);
  else await sendLong(exchange, reply, reply.rest);
}

function notAllowed(exchange: Exchange, { entry }: PathMatch): GatewayError {
  const allow = [...entry.methods.keys()].join(", ");
  exchange.response.setHeader("allow", allow);
  return new GatewayError("method_not_allowed", `${shown(exchange)} is not served; use ${allow}`);
}

/** Method and path for a message, as the client wrote them: under a mount point the path is longer than ours. */
function shown({ request }: Exchange): string {
  const { originalUrl, url = "/" } = request as { readonly originalUrl?: string; readonly url?: string };
  const whole = originalUrl ?? url;
  const mark = whole.indexOf("?");
  return `${request.method ?? "GET"} ${(mark < 0 ? whole : whole.slice(0, mark)).slice(0, 256)}`;
}
