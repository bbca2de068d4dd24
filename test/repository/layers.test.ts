import { describe, expect, it } from "vitest";
import { importsOf, PACKAGES } from "./workspace.ts";

/** The only edge between providers: the OpenAI wire format is shared by every host that speaks it. */
const SHARED_CODEC = "provider-openai";

/** What talks to Redis shares how: the connection of another plugin, and nothing else of it. */
const SHARED_CONNECTION = "plugin-redis/connection";

function mayImport(from: string, to: string): boolean {
  if (from === "kernel") return false;
  if (to === "kernel") return true;
  if (from.startsWith("plugin-cache-")) return to === SHARED_CONNECTION;
  return from.startsWith("provider-") && to === SHARED_CODEC;
}

const FRAMEWORKS = /^(express|fastify|koa|hono|supertest|vitest)$/;

describe("imports only point down", () => {
  for (const { name, sources } of PACKAGES) {
    it(`in ${name}`, () => {
      const wrong: string[] = [];
      for (const { path, text } of sources) {
        for (const { from } of importsOf(text)) {
          const target = /^@signalbox\/([^/]+(?:\/connection)?)/.exec(from)?.[1];
          if (target !== undefined && !mayImport(name, target)) wrong.push(`${path} imports ${from}`);
          if (FRAMEWORKS.test(from) && !(name === "express" && from === "express")) {
            wrong.push(`${path} imports ${from}`);
          }
        }
      }
      expect(wrong).toEqual([]);
    });
  }
});

describe("the kernel", () => {
  const kernel = PACKAGES.find(({ name }) => name === "kernel");

  it("loads the container library in one file", () => {
    const users = kernel?.sources
      .filter(({ text }) =>
        importsOf(text).some(({ from, type }) => /^(tsyringe|reflect-metadata)$/.test(from) && !type),
      )
      .map(({ path }) => path);
    expect(users).toEqual(["packages/kernel/src/container.ts"]);
  });

  it("knows no vendor in its core", () => {
    const names = /\b(openai|anthropic|gemini|bedrock|mistral|groq)\.(com|ai|chat)\b/i;
    expect(kernel?.sources.filter(({ text }) => names.test(text)).map(({ path }) => path)).toEqual([]);
  });
});

describe("the plain listener", () => {
  it("does not load Express", () => {
    const express = PACKAGES.find(({ name }) => name === "express");
    const byPath = new Map(express?.sources.map((source) => [source.path, source.text]));
    const seen = new Set<string>();
    const loaded: string[] = [];
    const visit = (path: string): void => {
      if (seen.has(path)) return;
      seen.add(path);
      for (const { from, type } of importsOf(byPath.get(path) ?? "")) {
        if (type) continue;
        if (from === "express") loaded.push(path);
        if (from.startsWith(".")) visit(new URL(from, `file:///${path}`).pathname.slice(1));
      }
    };
    visit("packages/express/src/node/index.ts");
    expect(seen.size).toBeGreaterThan(3);
    expect(loaded).toEqual([]);
  });
});
