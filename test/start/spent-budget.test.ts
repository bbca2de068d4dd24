import { afterAll, expect, test } from "vitest";
import { Workshop } from "./configured.ts";

const workshop = new Workshop();
afterAll(() => workshop.close());

const PATHS = ["/v1/chat/completions", "/v1/messages"];

test.each([
  ["", 429],
  ["budget_exceeded_status_code: 422", 422],
])("a spent budget with {%s} is a %i in every dialect", async (setting, status) => {
  const { url } = await workshop.start(`
model_list:
  - {model_name: parrot, litellm_params: {model: mock/echo, input_cost_per_token: 0.1, output_cost_per_token: 0.1}}
litellm_settings: {max_budget: 0.000001, ${setting}}
`);
  for (const path of PATHS) {
    const reply = await fetch(`${url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "parrot", max_tokens: 10, messages: [{ role: "user", content: "hello" }] }),
    });
    expect(reply.status, path).toBe(status);
    expect(await reply.text()).toContain("the budget of the gateway");
    expect(reply.headers.get("x-should-retry")).toBe("false");
  }
});
