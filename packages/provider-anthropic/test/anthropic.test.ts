import { afterEach, describe, expect, it } from "vitest";
import type { Deployment } from "@signalbox/kernel";
import { Secret } from "@signalbox/kernel";
import { createTransport } from "@signalbox/kernel/http";
import type { ReplayServer } from "@signalbox/kernel/testkit";
import { replayServer, testAttempt } from "@signalbox/kernel/testkit";
import { anthropic } from "@signalbox/provider-anthropic";
import { createEndpoint } from "../src/endpoint.ts";
import { anthropicSettings } from "../src/options.ts";

const DEPLOYMENT: Deployment = { id: "d", model: "m", provider: "anthropic", upstreamModel: "claude-opus-5" };
const servers: ReplayServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

describe("options", () => {
  it.each([
    [{ apikey: "x" }, "anthropic()"],
    [{ apiKey: "" }, "anthropic(apiKey)"],
    [{ apiKey: "a", authToken: "b" }, "anthropic(authToken)"],
    [{ baseUrl: "ftp://x" }, "anthropic(baseUrl)"],
    [{ betas: "x" }, "anthropic(betas)"],
  ])("are checked: %j", (options, place) => {
    expect(() => anthropic(options as never)).toThrow(
      expect.objectContaining({ code: "option_invalid", message: expect.stringContaining(place) }),
    );
  });

  it("need a key somewhere", () => {
    expect(() => anthropic().validate?.(DEPLOYMENT)).toThrow(
      'deployment "d": there is no API key; give anthropic() an apiKey or authToken, or the deployment an apiKey',
    );
    anthropic({ apiKey: "k" }).validate?.(DEPLOYMENT);
    anthropic().validate?.({ ...DEPLOYMENT, apiKey: new Secret("k") });
    anthropic({ headers: { "X-Api-Key": "k" } }).validate?.(DEPLOYMENT);
    expect(() => anthropic({ apiKey: "k" }).validate?.({ ...DEPLOYMENT, baseUrl: "nowhere" })).toThrow(
      'baseUrl "nowhere" is not an http or https URL',
    );
  });
});

describe("an endpoint", () => {
  it("prepares address and headers once", () => {
    const settings = anthropicSettings({ apiKey: "factory", betas: ["a"], headers: { "X-One": "1", "x-two": "2" } });
    expect(createEndpoint(DEPLOYMENT, settings)).toMatchObject({
      origin: "https://api.anthropic.com",
      basePath: "",
      defaultHeaders: [
        "content-type",
        "application/json",
        "x-api-key",
        "factory",
        "x-one",
        "1",
        "x-two",
        "2",
        "anthropic-version",
        "2023-06-01",
        "anthropic-beta",
        "a",
      ],
    });
  });

  it("follows the deployment", () => {
    const settings = anthropicSettings({ authToken: "factory", headers: { "x-two": "2" } });
    const endpoint = createEndpoint(
      {
        ...DEPLOYMENT,
        baseUrl: "https://proxy.example.com:8443/anthropic/v1/",
        apiKey: new Secret("own"),
        headers: { "X-Two": "3", "anthropic-version": "2026-10-21" },
        info: { maxOutputTokens: 77 },
      },
      settings,
    );
    expect(endpoint).toMatchObject({ origin: "https://proxy.example.com:8443", basePath: "/anthropic" });
    expect(endpoint.defaultHeaders.slice(2)).toEqual([
      "x-api-key",
      "own",
      "x-two",
      "3",
      "anthropic-version",
      "2026-10-21",
    ]);
    expect(endpoint.capabilities.maxOutputTokens).toBe(77);
  });
});

describe("the list of models", () => {
  it("is read page by page", async () => {
    const server = await replayServer([
      {
        body: {
          data: [{ id: "claude-a", display_name: "A", created_at: "2026-01-01T00:00:00Z" }],
          has_more: true,
          last_id: "claude-a",
        },
      },
      { body: { data: [{ id: "claude-b" }], has_more: false, last_id: "claude-b" } },
    ]);
    servers.push(server);
    const transport = createTransport();
    const provider = anthropic({ apiKey: "k", baseUrl: server.url });
    const request = { model: "m", messages: [] };
    expect(await provider.listModels?.(testAttempt({ operation: "chat", request, transport }))).toEqual([
      { id: "claude-a", displayName: "A", createdAt: 1_767_225_600, ownedBy: "anthropic" },
      { id: "claude-b", ownedBy: "anthropic" },
    ]);
    expect(server.sent.map(({ path }) => path)).toEqual([
      "/v1/models?limit=1000",
      "/v1/models?limit=1000&after_id=claude-a",
    ]);
  });
});
