import { BlockList, isIP } from "node:net";
import { GatewayError } from "@signalbox/kernel";

/** Who may call from where, which routes are whose, and what a request must say. */
export interface AccessOptions {
  /** Headers that a key is read from before the usual ones. */
  readonly keyHeaders?: readonly string[];
  /** Headers that name the end user; they come before what the body says. */
  readonly endUserHeaders?: readonly string[];
  /** Addresses and networks (`10.0.0.0/8`) that may call; the others get 403 `ip_not_allowed`. Public routes are open. */
  readonly allowedAddresses?: readonly string[];
  /** Proxies whose `x-forwarded-for` is believed, as addresses and networks. Default: none. */
  readonly trustedProxies?: readonly string[];
  /**
   * Routes that need no key. Paths as routes are registered with, `/key/*`, or the words of `Principal.routes`; the same
   * in the two options below. One that no route is served at is refused.
   */
  readonly publicRoutes?: readonly string[];
  /** Routes for administrators only. */
  readonly adminOnlyRoutes?: readonly string[];
  /** The only routes that are served to callers with a key, whoever they are. */
  readonly allowedRoutes?: readonly string[];
  /** Members that the body of every call must have, with dots for members within members: `metadata.project`. */
  readonly requiredParams?: readonly string[];
  /** Every call must name its end user. Default false. */
  readonly requireUser?: boolean;
  /** Refuse tags in requests: they are the operator's. Default false. */
  readonly refuseTags?: boolean;
}

/** The options that are lists of texts. */
export const ACCESS_LISTS: readonly (keyof AccessOptions)[] = [
  "keyHeaders",
  "endUserHeaders",
  "allowedAddresses",
  "trustedProxies",
  "publicRoutes",
  "adminOnlyRoutes",
  "allowedRoutes",
  "requiredParams",
];

/** A set of addresses and networks. @throws {GatewayError} `option_invalid` */
export function addressSet(texts: readonly string[], option: string): BlockList {
  const set = new BlockList();
  for (const text of texts) {
    const mark = text.indexOf("/");
    const address = mark < 0 ? text : text.slice(0, mark);
    const version = isIP(address);
    const prefix = mark < 0 ? undefined : Number(text.slice(mark + 1));
    const longest = version === 4 ? 32 : 128;
    const fits = prefix === undefined || (/^\d+$/.test(text.slice(mark + 1)) && prefix <= longest);
    if (version === 0 || !fits) {
      throw new GatewayError(
        "option_invalid",
        `${option}: ${JSON.stringify(text)} is no address and no network such as "10.0.0.0/8"`,
        { param: option, source: "express" },
      );
    }
    const family = version === 4 ? "ipv4" : "ipv6";
    if (prefix === undefined) set.addAddress(address, family);
    else set.addSubnet(address, prefix, family);
  }
  return set;
}

/** Whether an address is in a set; an IPv4 address may be written as a mapped IPv6 one. */
export function isIn(set: BlockList, address: string): boolean {
  const plain = plainAddress(address);
  const version = isIP(plain);
  return version !== 0 && set.check(plain, version === 4 ? "ipv4" : "ipv6");
}

/** Without a zone, and without the IPv6 form that sockets give IPv4 addresses. */
function plainAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  return mapped?.[1] ?? address.replace(/%.*$/, "");
}
