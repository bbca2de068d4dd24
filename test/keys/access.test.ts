import { afterEach, describe, expect, it } from "vitest";
import type { ListenOptions } from "@signalbox/express/node";
import type { Plugin } from "@signalbox/kernel";
import { MemoryRecords } from "@signalbox/kernel/testkit";
import type { KeysGateway } from "./keys-gateway.ts";
import { keysGateway, MASTER } from "./keys-gateway.ts";

let running: KeysGateway;
/** Whom calls were made for, and what of the client's headers was told on. */
let seen: { readonly user: string | undefined; readonly extensions: unknown }[] = [];

const watcher: Plugin = {
  name: "watcher",
  layers: {
    attempt: (attempt, next) => {
      seen.push({ user: attempt.options.endUserId, extensions: attempt.options.extensions });
      return next(attempt);
    },
  },
};

async function serve(served: ListenOptions): Promise<void> {
  seen = [];
  running = await keysGateway(new MemoryRecords(), [watcher], {}, served);
}
afterEach(() => running.close());

interface Told {
  readonly status: number;
  readonly code: string | undefined;
  readonly param: string | null | undefined;
}

async function ask(
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: Readonly<Record<string, unknown>>,
): Promise<Told> {
  const chat = { model: "small", messages: [{ role: "user", content: "ping" }], ...body };
  const isCall = path.endsWith("/chat/completions");
  const response = await fetch(running.url + path, {
    method: isCall ? "POST" : "GET",
    headers: { "content-type": "application/json", ...headers },
    ...(isCall && { body: JSON.stringify(chat) }),
  });
  const answer = (await response.json()) as { error?: { code: string; param: string | null } };
  return { status: response.status, code: answer.error?.code, param: answer.error?.param };
}

const CHAT = "/v1/chat/completions";
const master = { authorization: `Bearer ${MASTER}` };
const OK = { status: 200, code: undefined, param: undefined };

describe("a key", () => {
  it("is read from the operator's own header, which nobody behind it sees", async () => {
    await serve({ keyHeaders: ["X-Litellm-Key"] });
    expect(await ask(CHAT, { "x-litellm-key": MASTER })).toEqual(OK);
    expect(await ask(CHAT, { "x-litellm-key": `Bearer ${MASTER}` })).toEqual(OK);
    expect(await ask(CHAT, master)).toEqual(OK);
    expect(seen.map(({ extensions }) => extensions)).toEqual([undefined, undefined, undefined]);
    // one that is there and wrong is not made good by another
    expect(await ask(CHAT, { "x-litellm-key": "sk-wrong", ...master })).toMatchObject({ status: 401 });
  });
});

describe("the end user", () => {
  it("is who the operator's header names, before the body", async () => {
    await serve({ endUserHeaders: ["X-OpenWebUI-User-Id", "x-user"] });
    await ask(CHAT, { ...master, "x-openwebui-user-id": "u-1" }, { user: "u-2" });
    await ask(CHAT, { ...master, "x-user": "u-3" });
    await ask(CHAT, master, { user: "u-2" });
    expect(seen.map(({ user }) => user)).toEqual(["u-1", "u-3", "u-2"]);
    expect(await ask(CHAT, { ...master, "x-user": "u".repeat(257) })).toEqual({
      status: 400,
      code: "invalid_request",
      param: "x-user",
    });
  });

  it("can be asked for", async () => {
    await serve({ requireUser: true });
    expect(await ask(CHAT, master)).toEqual({ status: 400, code: "invalid_request", param: "user" });
    expect(await ask(CHAT, master, { user: "" })).toEqual({ status: 400, code: "invalid_request", param: "user" });
    expect(await ask(CHAT, master, { user: "u" })).toEqual(OK);
  });
});

describe("an address", () => {
  const blocked = { status: 403, code: "ip_not_allowed", param: null };

  it("that may not call is refused before its key is looked at; health is open", async () => {
    await serve({ allowedAddresses: ["10.0.0.0/8", "2001:db8::/32"] });
    expect(await ask(CHAT, master)).toEqual(blocked);
    expect(await ask(CHAT, { authorization: "Bearer sk-wrong" })).toEqual(blocked);
    expect(await ask("/key/list", master)).toEqual(blocked);
    expect(await ask("/health/liveness", {})).toEqual(OK);
    // nobody is believed about where it is
    expect(await ask(CHAT, { ...master, "x-forwarded-for": "10.0.0.1" })).toEqual(blocked);
  });

  it("is the last one that no trusted proxy has", async () => {
    await serve({ allowedAddresses: ["10.0.0.0/8", "2001:db8::1"], trustedProxies: ["127.0.0.1", "192.168.0.0/16"] });
    const from = (chain: string): Promise<Told> => ask(CHAT, { ...master, "x-forwarded-for": chain });
    for (const chain of [
      "10.1.2.3",
      "1.2.3.4, 10.1.2.3",
      "10.1.2.3, 192.168.7.7",
      "10.1.2.3:4711",
      "::ffff:10.1.2.3",
      "2001:db8::1",
      "[2001:db8::1]:443",
    ]) {
      expect([chain, await from(chain)]).toEqual([chain, OK]);
    }
    for (const chain of [
      "10.1.2.3, 1.2.3.4",
      "1.2.3.4",
      "unknown",
      "10.1.2.3,",
      "012.1.2.3",
      "167837953",
      "10.1.2.3 1.2.3.4",
      Array.from({ length: 33 }, () => "10.1.2.3").join(","),
    ]) {
      expect([chain, await from(chain)]).toEqual([chain, blocked]);
    }
    expect(await ask(CHAT, master)).toEqual(blocked);
  });

  it.each(["10.0.0.0/33", "10.0.0", "example.com", "10.0.0.0/", "::/129", "10.0.0.0/-1"])(
    "%s is refused as an option",
    async (text) => {
      await serve({});
      await expect(keysGateway(new MemoryRecords(), [], {}, { allowedAddresses: [text] })).rejects.toMatchObject({
        code: "option_invalid",
        param: "allowedAddresses",
      });
    },
  );
});

describe("routes", () => {
  const refused = { status: 403, code: "route_not_allowed", param: null };

  it("are public, the administrators', or closed, as the operator says; on the route that was matched", async () => {
    await serve({
      publicRoutes: ["/v1/models"],
      adminOnlyRoutes: ["/key/info", CHAT],
      allowedRoutes: ["calls", "/key/*", "/user/new"],
    });
    const key = await running.user("alice", { models: ["small"] });
    const alice = { authorization: `Bearer ${key}` };
    expect(await ask("/v1/models", {})).toEqual(OK);
    expect(await ask("/key/info", alice)).toEqual(refused);
    expect(await ask(CHAT, alice)).toEqual(refused);
    expect(await ask(CHAT, master)).toEqual(OK);
    expect(await ask("/key/list", alice)).toEqual(OK);
    expect(await ask("/team/list", master)).toEqual(refused);
    expect(await ask("/health/liveness", {})).toEqual(OK);
    for (const path of ["/key/info/", "//key/info", "/key//info", "/key/%69nfo", "/KEY/info", "/key/info;a"]) {
      expect((await ask(path, alice)).status).toBeGreaterThanOrEqual(400);
    }
  });

  it("that only administrators may use are never public", async () => {
    await serve({ publicRoutes: ["/key/*"], adminOnlyRoutes: ["/key/list"] });
    expect((await ask("/key/list", {})).status).toBe(401);
    // nobody is nobody, also where no key is asked for
    expect(await ask("/key/aliases", {})).toMatchObject({ status: 403 });
  });

  it.each(["publicRoutes", "adminOnlyRoutes", "allowedRoutes"])("%s must fit some route", async (option) => {
    await serve({});
    await expect(keysGateway(new MemoryRecords(), [], {}, { [option]: ["/key/lst"] })).rejects.toMatchObject({
      code: "option_invalid",
      message: `${option}: no route is served at "/key/lst"`,
    });
  });
});

describe("calls", () => {
  it("must have what the operator asks for", async () => {
    await serve({ requiredParams: ["user", "metadata.project"] });
    expect(await ask(CHAT, master)).toEqual({ status: 400, code: "invalid_request", param: "user" });
    for (const metadata of [undefined, null, {}, { project: "" }, { project: null }, ["project"]]) {
      expect(await ask(CHAT, master, { user: "u", metadata })).toMatchObject({ status: 400, code: "invalid_request" });
    }
    expect(await ask(CHAT, master, { user: "u", metadata: { project: "p" } })).toEqual(OK);
  });

  it("bring no tags where tags are the operator's", async () => {
    await serve({ refuseTags: true });
    const refused = { status: 400, code: "invalid_request", param: "metadata.tags" };
    expect(await ask(CHAT, master, { metadata: { tags: ["a"] } })).toEqual(refused);
    expect(await ask(CHAT, master, { tags: ["a"] })).toEqual(refused);
    expect(await ask(CHAT, { ...master, "x-litellm-tags": "a,b" })).toEqual(refused);
    expect(await ask(CHAT, master, { metadata: { tags: [] } })).toEqual(OK);
    expect(await ask(CHAT, master)).toEqual(OK);
  });
});
