import { describe, expect, it } from "vitest";
import { takeGatewayFields } from "@signalbox/kernel/http";
import { read } from "./workspace.ts";

/** The names in the first column of the table that has this heading. */
function namesBelow(heading: string): readonly string[] {
  const table =
    read("docs/gateway-fields.md")
      .split("\n\n")
      .find((block) => block.startsWith(`| ${heading}`)) ?? "";
  return [...table.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell]) =>
    [...(cell ?? "").matchAll(/`([^`]+)`/g)].map(([, name]) => (name ?? "").replace("…", "else")),
  );
}

describe("docs/gateway-fields.md", () => {
  it.each(namesBelow("member of the body"))("the member %s does not travel on", (name) => {
    expect(takeGatewayFields({ model: "m", [name]: null }, {})).toEqual({
      body: { model: "m" },
      options: undefined,
      edits: { [name]: undefined },
    });
  });

  it.each(namesBelow("header, after").filter((name) => name !== "api-key"))("the header %s is read", (name) => {
    const { options } = takeGatewayFields({}, { [`x-signalbox-${name}`]: "1" });
    expect(options).toBeDefined();
    expect(options).not.toHaveProperty("extensions");
  });

  it.each(["api_base", "base_url", "api_key", "custom_llm_provider", "extra_headers", "mock_response"])(
    "%s is for the operator alone",
    (name) => {
      expect(read("docs/gateway-fields.md").split("## For the operator alone")[1]).toContain(
        name.startsWith("mock_") ? "`mock_…`" : `\`${name}\``,
      );
      expect(() => takeGatewayFields({ [name]: "x" }, {})).toThrow(expect.objectContaining({ param: name }));
    },
  );
});
