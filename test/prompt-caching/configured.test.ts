import { expect, it } from "vitest";
import { configuredGateway } from "../e2e/configured-gateway.ts";
import { cachingUpstream } from "./caching-upstream.ts";

const FILE = `
model_list:
  - model_name: handbook
    litellm_params:
      model: anthropic/claude-sonnet-4-5
      api_base: $UP/a
      input_cost_per_token: 0.000003
      output_cost_per_token: 0.000015
      cache_read_input_token_cost: 0.0000003
      cache_creation_input_token_cost: 0.00000375
      cache_control_injection_points:
        - {location: message, role: system}
        - {location: message, index: -1}
  - model_name: plain
    litellm_params: {model: anthropic/claude-sonnet-4-5, api_base: $UP/a}
`;

it("places of the configuration get breakpoints, and replies tell what they saved", async () => {
  const upstream = cachingUpstream();
  const answers = { a: upstream.reply };
  const gateway = await configuredGateway(FILE, answers, { status: 501 });
  try {
    const messages = [
      { role: "system", content: "s".repeat(8_000) },
      { role: "user", content: "q".repeat(400) },
    ];
    const seen = [];
    for (const model of ["handbook", "handbook", "plain"]) {
      const { status, headers } = await gateway.chat(model, { messages });
      expect(status).toBe(200);
      seen.push([
        headers.get("x-signalbox-prompt-cache-read-tokens"),
        headers.get("x-signalbox-prompt-cache-saved"),
        headers.get("x-signalbox-response-cost"),
      ]);
    }
    expect(upstream.breakpoints).toEqual([["system.0", "messages.0.0"], ["system.0", "messages.0.0"], []]);
    expect(seen.slice(0, 2)).toEqual([
      // 2,100 written: 2,100 × 0.75 µ$ more; 2,100 × 3.75 + 10 × 15 µ$
      ["0", "-0.001575", "0.008025"],
      // 2,100 read: 2,100 × 2.70 µ$ less; 2,100 × 0.30 + 10 × 15 µ$
      ["2100", "0.00567", "0.00078"],
    ]);
    expect(seen[2]?.slice(0, 2)).toEqual([null, null]);
  } finally {
    await gateway.close();
  }
});
