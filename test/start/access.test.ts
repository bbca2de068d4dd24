import { afterAll, beforeAll, expect, test } from "vitest";
import type { Issuer } from "../../packages/plugin-keys/test/support/issuer.ts";
import { AUDIENCE, startIssuer } from "../../packages/plugin-keys/test/support/issuer.ts";
import { Workshop } from "./configured.ts";

// Who may call, as a configuration says it.

const KEY = "sk-8f2d91c64e0b7a3595d1";
const workshop = new Workshop();
let issuer: Issuer;

beforeAll(async () => {
  issuer = await startIssuer();
});

afterAll(async () => {
  await workshop.close();
  await issuer.close();
});

const chat = async (url: string, headers: Readonly<Record<string, string>>, more: object = {}): Promise<number> => {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ model: "parrot", messages: [{ role: "user", content: "Hello" }], ...more }),
  });
  await response.arrayBuffer();
  return response.status;
};

test("tokens of the issuer that variables name are let in, with the models of their role", async () => {
  const { url } = await workshop.start(
    `
model_list:
  - {model_name: parrot, litellm_params: {model: mock/echo}}
  - {model_name: other, litellm_params: {model: mock/echo}}
general_settings:
  master_key: ${KEY}
  enable_jwt_auth: true
  litellm_jwtauth:
    roles_jwt_field: roles
    role_mappings: [{role: staff, internal_role: internal_user}]
    user_id_upsert: true
  role_permissions: [{role: internal_user, models: [parrot]}]
litellm_settings:
  default_internal_user_params: {models: [parrot, other]}
`,
    { JWT_ISSUER: issuer.url, JWT_AUDIENCE: AUDIENCE },
  );
  const bearer = async (claims: object): Promise<Readonly<Record<string, string>>> => ({
    authorization: `Bearer ${await issuer.token({ sub: "ada", ...claims })}`,
  });
  const staff = await bearer({ roles: ["staff"] });
  expect(await chat(url, staff)).toBe(200);
  expect(await chat(url, staff, { model: "other" })).toBe(403);
  expect(await chat(url, await bearer({ roles: ["guest"] }))).toBe(401);
  expect(await chat(url, await bearer({ roles: ["staff"], aud: "somebody else" }))).toBe(401);
});

test("headers, parameters and routes are held to what the file says", async () => {
  const { url } = await workshop.start(`
model_list: [{model_name: parrot, litellm_params: {model: mock/echo}}]
general_settings:
  master_key: ${KEY}
  litellm_key_header_name: x-gateway-key
  user_header_name: x-customer
  enforce_user_param: true
  enforced_params: [metadata.project]
  reject_clientside_metadata_tags: true
  public_routes: [/v1/models]
  allowed_routes: [llm_api_routes]
`);
  expect((await fetch(`${url}/v1/models`)).status).toBe(200);
  expect((await fetch(`${url}/key/list`, { headers: { "x-gateway-key": KEY } })).status).not.toBe(200);
  const key = { "x-gateway-key": KEY };
  const project = { metadata: { project: "a" } };
  expect(await chat(url, { ...key, "x-customer": "ada" }, project)).toBe(200);
  expect(await chat(url, key, project)).toBe(400);
  expect(await chat(url, { ...key, "x-customer": "ada" })).toBe(400);
  expect(await chat(url, { ...key, "x-customer": "ada" }, { metadata: { project: "a", tags: ["blue"] } })).toBe(400);
});

test("addresses that are not listed are refused", async () => {
  const config = (address: string): string => `
model_list: [{model_name: parrot, litellm_params: {model: mock/echo}}]
general_settings: {master_key: ${KEY}, allowed_ips: [${address}], use_x_forwarded_for: true, trusted_proxies: [127.0.0.1]}
`;
  const { url } = await workshop.start(config("10.0.0.0/8"));
  const key = { authorization: `Bearer ${KEY}` };
  expect(await chat(url, key)).toBe(403);
  expect(await chat(url, { ...key, "x-forwarded-for": "192.168.1.1" })).toBe(403);
  expect(await chat(url, { ...key, "x-forwarded-for": "10.1.2.3" })).toBe(200);
});
