import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import type { LookupFunction } from "node:net";
import { isIP } from "node:net";
import type { buildConnector as Connector } from "undici";
import { GatewayError } from "../errors.ts";
import { isPublicAddress } from "./public-address.ts";
import { buildConnector } from "./undici-parts.ts";

/** Which addresses may be asked for. */
export interface UrlGuardOptions {
  /** Hosts the operator vouches for, as `host` or `host:port`: they may be private and speak plain http. */
  readonly allowHosts?: readonly string[];
  /** Default: 443. */
  readonly ports?: readonly number[];
  /** Finds every address of a name; the system's resolver by default. */
  readonly resolve?: (hostname: string) => Promise<readonly LookupAddress[]>;
}

/** Keeps requests to addresses that a client can influence away from private networks. */
export interface UrlGuard {
  /**
   * The rules that need no network: https, no credentials, an allowed port, no disguised or private address.
   *
   * @throws {GatewayError} `target_not_allowed`
   */
  check(url: string): URL;
  /** {@link check}, and every address the name has now must be public. To refuse early; connecting checks again. */
  checkAddresses(url: string): Promise<URL>;
  /** Connects only to addresses that it has checked itself, so that a second DNS answer cannot move the target. */
  connector(options: Connector.BuildOptions): Connector.connector;
  /** The DNS lookup that `connector` uses. */
  readonly lookup: LookupFunction;
}

const LOCAL_NAMES = /(?:^|\.)(?:localhost|local|internal|localdomain|home\.arpa)$/;

/** The guard for targets that are not the operator's own. */
export function urlGuard(options: UrlGuardOptions = {}): UrlGuard {
  const allowed = new Set((options.allowHosts ?? []).map((host) => host.toLowerCase()));
  const ports = new Set(options.ports ?? [443]);
  const resolve = options.resolve ?? resolveAll;

  function isAllowed(hostname: string, port: string, protocol: string): boolean {
    return allowed.has(hostname) || allowed.has(`${hostname}:${port === "" ? defaultPort(protocol) : port}`);
  }

  function check(text: string): URL {
    const url = URL.parse(text);
    if (url === null) throw refused("it is not a valid URL");
    if (url.username !== "" || url.password !== "") throw refused("it holds credentials");
    if (url.protocol !== "https:" && url.protocol !== "http:") throw refused("it is not https");
    if (isAllowed(url.hostname, url.port, url.protocol)) return url;
    if (url.protocol !== "https:") throw refused("it is not https");
    if (!ports.has(Number(url.port === "" ? defaultPort(url.protocol) : url.port)))
      throw refused("its port is not allowed");
    const hostname = bare(url.hostname);
    // WHATWG parsing has already turned decimal, octal and hexadecimal forms into dotted ones
    if (isIP(hostname) === 4 && !text.includes(`//${hostname}`)) throw refused("its address is disguised");
    if (isIP(hostname) === 0 ? LOCAL_NAMES.test(hostname.replace(/\.$/, "")) : !isPublicAddress(hostname)) {
      throw refused("its address is not public");
    }
    return url;
  }

  async function publicAddresses(hostname: string): Promise<readonly LookupAddress[]> {
    const addresses = await resolve(hostname).catch((cause: unknown) => {
      throw refused("its name cannot be resolved", cause);
    });
    if (addresses.length === 0) throw refused("its name cannot be resolved");
    if (!addresses.every(({ address }) => isPublicAddress(address))) throw refused("its address is not public");
    return addresses;
  }

  async function checkAddresses(text: string): Promise<URL> {
    const url = check(text);
    if (!isAllowed(url.hostname, url.port, url.protocol) && isIP(bare(url.hostname)) === 0)
      await publicAddresses(url.hostname);
    return url;
  }

  const guardedLookup: LookupFunction = (hostname, lookupOptions, callback) => {
    publicAddresses(hostname).then(
      (addresses) => {
        const { family } = lookupOptions;
        const usable = family === 4 || family === 6 ? addresses.filter((entry) => entry.family === family) : addresses;
        const first = usable[0];
        if (first === undefined) callback(refused("its name cannot be resolved"), "");
        else if (lookupOptions.all === true) callback(null, [...usable]);
        else callback(null, first.address, first.family);
      },
      (error: Error) => callback(error, ""),
    );
  };

  function connector(connectOptions: Connector.BuildOptions): Connector.connector {
    const connectPlain = buildConnector({ ...connectOptions, allowH2: false });
    const connectGuarded = buildConnector({
      ...connectOptions,
      allowH2: false,
      lookup: guardedLookup,
    } as Connector.BuildOptions);
    return function connect(target, callback) {
      const hostname = isIP(target.hostname) === 6 ? `[${target.hostname}]` : target.hostname;
      if (isAllowed(hostname, target.port, target.protocol)) {
        connectPlain(target, callback);
        return;
      }
      if (isIP(target.hostname) !== 0 && !isPublicAddress(target.hostname)) {
        callback(refused("its address is not public"), null);
        return;
      }
      connectGuarded(target, (error, socket) => {
        if (error !== null) {
          callback(error, null);
        } else if (isPublicAddress(socket.remoteAddress ?? "")) {
          callback(null, socket);
        } else {
          socket.destroy();
          callback(refused("its address is not public"), null);
        }
      });
    };
  }

  return { check, checkAddresses, connector, lookup: guardedLookup };
}

function defaultPort(protocol: string): string {
  return protocol === "https:" ? "443" : "80";
}

/** Without the brackets of an IPv6 address. */
function bare(hostname: string): string {
  return hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
}

function resolveAll(hostname: string): Promise<LookupAddress[]> {
  return lookup(hostname, { all: true, verbatim: true });
}

/** The target itself stays out of the message: it may be a secret of the caller's network. */
function refused(why: string, cause?: unknown): GatewayError {
  return new GatewayError("target_not_allowed", `this target is not allowed: ${why}`, { cause });
}
