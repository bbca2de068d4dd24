import { describe, expect, it } from "vitest";
import type { Deployment } from "../../src/deployment.ts";
import { jsonRequest } from "../../src/http/json-request.ts";

function attempt(deployment: Partial<Deployment> = {}): { readonly deployment: Deployment } {
  return { deployment: { id: "d-1", model: "m", provider: "acme", upstreamModel: "m", ...deployment } };
}

const usual = { baseUrl: "https://api.acme.example/v1", path: "/chat" };

describe("jsonRequest", () => {
  it("posts a body, undefined members left out", () => {
    expect(jsonRequest(attempt(), { ...usual, body: { model: "m", temperature: undefined, stop: null } })).toEqual({
      method: "POST",
      origin: "https://api.acme.example",
      path: "/v1/chat",
      headers: ["content-type", "application/json"],
      body: '{"model":"m","stop":null}',
    });
  });

  it("gets where there is no body, and adds none", () => {
    expect(jsonRequest(attempt({ extraBody: { a: 1 } }), { ...usual, path: "/models" })).toEqual({
      method: "GET",
      origin: "https://api.acme.example",
      path: "/v1/models",
      headers: [],
    });
  });

  it.each([
    ["http://localhost:8000", "http://localhost:8000", "/chat"],
    ["http://localhost:8000/", "http://localhost:8000", "/chat"],
    ["http://localhost:8000/llm/v2//", "http://localhost:8000", "/llm/v2/chat"],
    ["https://acme.example/v1?api-version=7", "https://acme.example", "/v1/chat?api-version=7"],
  ])("goes to the deployment's base URL %s", (baseUrl, origin, path) => {
    expect(jsonRequest(attempt({ baseUrl }), usual)).toMatchObject({ origin, path });
  });

  it.each(["localhost:8000", "acme", "", "ftp://acme.example"])("refuses the base URL %j", (baseUrl) => {
    expect(() => jsonRequest(attempt({ baseUrl }), usual)).toThrow(
      expect.objectContaining({
        code: "provider_error",
        source: "acme",
        message: `deployment "d-1" has a base URL that is no http address: ${JSON.stringify(baseUrl)}`,
      }),
    );
  });

  it("sends the deployment's headers in place of those of the same name, and none that is undefined", () => {
    const headers = { "X-Key": "usual", "x-version": "1", "x-none": undefined };
    const { headers: sent } = jsonRequest(attempt({ headers: { "x-key": "own", "X-Team": "a" } }), {
      ...usual,
      headers,
    });
    expect(sent).toEqual(["x-key", "own", "x-version", "1", "x-team", "a"]);
  });

  it("adds the deployment's extra body, which wins", () => {
    const { body } = jsonRequest(attempt({ extraBody: { top: 2, seed: 7 } }), {
      ...usual,
      body: { top: 1, words: "é" },
    });
    expect(body).toBe('{"top":2,"words":"é","seed":7}');
  });
});
