import { createHash, createHmac } from "node:crypto";
import { afterAll, describe, expect, it } from "vitest";
import type { Guardrail } from "@signalbox/kernel";
import { Secret } from "@signalbox/kernel";
import { createTransport } from "@signalbox/kernel/http";
import type { Exchange, SentRequest } from "@signalbox/kernel/testkit";
import { replayServer, testCall, testGuardrail, testRemoteGuardrail } from "@signalbox/kernel/testkit";
import type { BedrockGuardrailOptions } from "../src/index.ts";
import { bedrockGuardrails } from "../src/index.ts";

const ACCESS_KEY = "AKIDTEST0000000001";
const SECRET_KEY = "aws-secret-credential-4711";
const SESSION = "aws-session-0815";
const API_KEY = "bedrock-api-key-1234";
const ARN = "arn:aws:bedrock:eu-central-1:123456789012:guardrail/abc123";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();

/** Signature Version 4, computed anew from what arrived. */
function isSigned({ method, path, headers, body }: SentRequest): boolean {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      String(headers.authorization),
    );
  if (match === null) return false;
  const [, id, day = "", region = "", serviceName = "", names = "", signature] = match;
  if (id !== ACCESS_KEY || region !== "eu-central-1" || serviceName !== "bedrock") return false;
  const list = names.split(";");
  if (!["host", "x-amz-date", "x-amz-security-token"].every((name) => list.includes(name))) return false;
  // each part of the path is escaped once more than it is sent
  const canonicalPath = path.split("/").map(encodeURIComponent).join("/");
  const canonical = [
    method,
    canonicalPath,
    "",
    ...list.map((name) => `${name}:${String(headers[name]).trim()}`),
    "",
    names,
    sha256(body),
  ].join("\n");
  const date = String(headers["x-amz-date"]);
  const scope = `${day}/${region}/${serviceName}/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", date, scope, sha256(canonical)].join("\n");
  const key = [day, region, serviceName, "aws4_request"].reduce<string | Buffer>(hmac, `AWS4${SECRET_KEY}`);
  const age = Math.abs(Date.now() - Date.parse(date.replace(/(\d{4})(\d\d)(\d\dT\d\d)(\d\d)/, "$1-$2-$3:$4:")));
  return hmac(key, toSign).toString("hex") === signature && age < 60_000 && headers["x-amz-security-token"] === SESSION;
}

/** `ApplyGuardrail`: a denied topic, and addresses of e-mail, masked. */
function apply({ body }: SentRequest): Exchange {
  const { source, content, ...rest } = JSON.parse(body) as {
    source: string;
    content: { text: { text: string } }[];
  };
  const [block] = content;
  if (!["INPUT", "OUTPUT"].includes(source) || block === undefined || Object.keys(rest).length > 0) {
    return { status: 400, body: { message: "ValidationException" } };
  }
  const { text } = block.text;
  const usage = { topicPolicyUnits: 1, contentPolicyUnits: 1 };
  const none = { action: "NONE", outputs: [], assessments: [{}], usage };
  if (text.includes("invest")) {
    const topics = [{ name: "finance", type: "DENY", action: "BLOCKED" }];
    const assessments = [{ topicPolicy: { topics } }];
    return { body: { action: "GUARDRAIL_INTERVENED", outputs: [{ text: "Sorry." }], assessments, usage } };
  }
  if (text.includes("PRJ-")) {
    const regexes = [{ name: "project", regex: "PRJ-\\d+", action: "ANONYMIZED" }];
    const assessments = [{ sensitiveInformationPolicy: { piiEntities: [], regexes } }];
    const outputs = [{ text: text.replace(/PRJ-\d+/g, "{project}") }];
    return { body: { action: "GUARDRAIL_INTERVENED", outputs, assessments, usage } };
  }
  const mails = text.match(/[a-z.]+@[a-z.]+[a-z]/g) ?? [];
  if (mails.length === 0) return { body: none };
  const piiEntities = [...new Set(mails)].map((match) => ({ type: "EMAIL", match, action: "ANONYMIZED" }));
  const outputs = [{ text: text.replace(/[a-z.]+@[a-z.]+[a-z]/g, "{EMAIL}") }];
  const assessments = [{ sensitiveInformationPolicy: { piiEntities, regexes: [] } }];
  return { body: { action: "GUARDRAIL_INTERVENED", outputs, assessments, usage } };
}

function service(request: SentRequest): Exchange {
  if (request.method !== "POST" || request.headers["content-type"] !== "application/json") return { status: 400 };
  if (!isSigned(request) && request.headers.authorization !== `Bearer ${API_KEY}`) {
    return { status: 403, body: { message: "The request signature we calculated does not match" } };
  }
  const paths = ["abc123", encodeURIComponent(ARN)].map((id) => `/guardrail/${id}/version/DRAFT/apply`);
  return paths.includes(request.path) ? apply(request) : { status: 404 };
}

const credentials = {
  accessKeyId: ACCESS_KEY,
  secretAccessKey: new Secret(SECRET_KEY),
  sessionToken: new Secret(SESSION),
};

function made(baseUrl: string, options: Partial<BedrockGuardrailOptions> = {}): Guardrail {
  const auth = options.apiKey === undefined ? { credentials } : {};
  const { guardrails = [] } = bedrockGuardrails([
    { name: "bedrock", guardrailId: "abc123", region: "eu-central-1", baseUrl, ...auth, ...options },
  ]);
  return guardrails[0] as Guardrail;
}

const runner = { describe, it };
const server = await replayServer(service);
const transport = createTransport();
afterAll(async () => {
  await server.close();
  await transport.close?.();
});
const user = (text: string) => [{ role: "user" as const, content: [{ type: "text" as const, text }] }];
const asked = (text: string) => testCall({ operation: "chat", request: { model: "m", messages: user(text) } });

testRemoteGuardrail({
  runner,
  service,
  guardrail: made,
  blocked: "shall I invest there",
  secret: "invest",
  category: "topic/finance",
  credentials: [SECRET_KEY, SESSION],
});

testGuardrail({
  runner,
  guardrail: () => made(server.url, { transport, windowCharacters: 48, overlapCharacters: 32 }),
  masked: [
    { text: "👋🏽 世界: ada@example.com, ada@example.com 🌍", released: "👋🏽 世界: {EMAIL}, {EMAIL} 🌍" },
    {
      text: `${"👋 la ".repeat(30)}ada@example.com${" да".repeat(50)}`,
      released: `${"👋 la ".repeat(30)}{EMAIL}${" да".repeat(50)}`,
    },
    { text: "see PRJ-4711 and 🌍 PRJ-12", released: "see {project} and 🌍 {project}" },
  ],
  blocked: [
    { text: `${"so ".repeat(30)}invest now`, secret: "invest", category: "topic/finance" },
    { text: '{"q":"invest"}', secret: "invest", category: "topic/finance", kind: "arguments" },
  ],
  requests: [
    { messages: user("invest"), expected: "blocked" },
    { messages: user("🌍 ada@example.com"), expected: user("🌍 {EMAIL}") },
    { messages: user("hello"), expected: user("hello") },
  ],
  unreachable: () => made("http://127.0.0.1:9", { transport }),
});

describe("Bedrock", () => {
  it.each([
    ["a guardrail by its ARN", { guardrailId: ARN }],
    ["credentials of a function", { credentials: async () => credentials }],
    ["an API key", { apiKey: new Secret(API_KEY) }],
  ])("takes %s", async (_name, options) => {
    const guardrail = made(server.url, { transport, ...options });
    expect(await guardrail.checkRequest?.(asked("hello"))).toEqual({ action: "allow" });
    expect(await guardrail.checkRequest?.(asked("invest"))).toMatchObject({ action: "block" });
  });

  it("is not asked with a wrong key", async () => {
    const wrong = { ...credentials, secretAccessKey: new Secret("another") };
    const guardrail = made(server.url, { transport, credentials: wrong });
    await expect(guardrail.checkRequest?.(asked("hello"))).rejects.toThrow("status 403");
  });

  it("gives what it masks back, where that is wished", async () => {
    const guardrail = made(server.url, { transport, reversible: true });
    const verdict = await guardrail.checkRequest?.(asked("🌍 ada@example.com"));
    if (verdict?.action !== "rewrite") throw new Error("it was not masked");
    const [part] = verdict.value.messages[0]?.content ?? [];
    expect(part?.type === "text" && part.text).toMatch(/^🌍 \[EMAIL_[A-Z2-7]{13}\]$/);
  });

  it("blocks what was intervened against without a reason", async () => {
    const bare = await replayServer({ body: { action: "GUARDRAIL_INTERVENED", outputs: [], assessments: [] } });
    expect(await made(bare.url, { transport }).checkRequest?.(asked("x"))).toMatchObject({ category: "intervened" });
    await bare.close();
  });

  it.each([
    [{ name: "b", guardrailId: "abc", region: "eu-central-1" }, /credentials or an apiKey/],
    [{ name: "b", guardrailId: "../x", region: "eu-central-1", apiKey: new Secret("k") }, /guardrailId/],
    [{ name: "b", guardrailId: "abc", region: "evil.example.com/", apiKey: new Secret("k") }, /region/],
    [
      { name: "b", guardrailId: "abc", region: "eu-central-1", guardrailVersion: "1/x", apiKey: new Secret("k") },
      /Version/,
    ],
  ])("%j is refused", (options, message) => {
    expect(() => bedrockGuardrails([options])).toThrow(message);
  });
});
