import { describe, expect, test } from "vitest";
import { load, report } from "./support/vendors.ts";

const MODELS = `model_list:
  - {model_name: small, litellm_params: {model: ollama/qwen3}}
  - {model_name: large, litellm_params: {model: openai/gpt-5}}
`;

describe("content_routers", () => {
  const router = (lines: string): string =>
    `${MODELS}router_settings:\n  content_routers:\n    auto:\n${lines.replace(/^/gm, "      ")}\n`;
  const problems = (lines: string): readonly string[] =>
    report(router(lines)).map((line) =>
      line.replace(/^(\d+):\d+ router_settings\.content_routers\.auto/, (_, at) => `${Number(at) - 6} `),
    );

  test("become the plugin's options", () => {
    const text = router(`rules:
  - name: pictures
    when: {images: true, tags: [blue], tools: [search], min_input_tokens: 5, max_input_tokens: 50, reasoning: false}
    use: large
  - {name: poems, when: {contains: [poem, "a song"], system: {contains: [poet]}, tools: false}, use: small}
tiers: {simple: small, reasoning: large}
thresholds: {medium: 0.3}
weights: {code: 0, tools: 0.5}
default_model: small`);
    expect(load(text).routing).toEqual({
      contentRouters: {
        auto: {
          rules: [
            {
              name: "pictures",
              when: {
                images: true,
                tags: ["blue"],
                tools: ["search"],
                minInputTokens: 5,
                maxInputTokens: 50,
                reasoning: false,
              },
              use: "large",
            },
            {
              name: "poems",
              when: { contains: ["poem", "a song"], system: { contains: ["poet"] }, tools: false },
              use: "small",
            },
          ],
          tiers: { simple: "small", reasoning: "large" },
          thresholds: { medium: 0.3 },
          weights: { code: 0, tools: 0.5 },
          defaultModel: "small",
        },
      },
    });
    expect(load(router("default_model: small")).routing.contentRouters).toEqual({ auto: { defaultModel: "small" } });
  });

  test.each([
    ["rules: []", "1 : has neither tiers nor a default_model; give it one of them"],
    ["tiers: {medium: small}", "1 .tiers.simple: is missing"],
    ["tiers: {simple: smal}", '1 .tiers.simple: no model is named "smal". Did you mean "small"?'],
    ["tiers: {simple: auto}", '1 .tiers.simple: names "auto", which stands for other models; name one of those'],
    ["tiers: {simple: small, hard: large}", "1 .tiers.hard: unknown key"],
    ["default_model: larg", '1 .default_model: no model is named "larg". Did you mean "large"?'],
    [
      "default_model: small\nrules: [{name: r, when: {}, use: small}]",
      "2 .rules[0].when: holds for every call; use default_model",
    ],
    ["default_model: small\nrules: [{name: r, when: {images: true}}]", "2 .rules[0].use: is missing"],
    [
      "default_model: small\nrules: [{name: r, when: {images: true}, use: lrge}]",
      '2 .rules[0].use: no model is named "lrge". Did you mean "large"?',
    ],
    [
      "default_model: small\nrules: [{name: r, when: {imges: true}, use: large}]",
      '2 .rules[0].when.imges: unknown key. Did you mean "images"?',
    ],
    [
      "default_model: small\nrules: [{name: r, when: {contains: ['?!']}, use: large}]",
      "2 .rules[0].when.contains[0]: must be a word or phrase, with letters or digits",
    ],
    [
      "default_model: small\nrules: [{name: r, when: {min_input_tokens: 9, max_input_tokens: 5}, use: large}]",
      "2 .rules[0].when.max_input_tokens: is less than the min_input_tokens of 9",
    ],
    [
      "tiers: {simple: small}\nthresholds: {complex: 0.1}",
      "2 .thresholds.complex: complex (0.1) is less than medium (0.25)",
    ],
    ["tiers: {simple: small}\nthresholds: {medium: 0.8}", "2 .thresholds: complex (0.5) is less than medium (0.8)"],
    ["tiers: {simple: small}\nweights: {cod: 1}", '2 .weights.cod: unknown key. Did you mean "code"?'],
    ["tiers: {simple: small}\nweights: {code: 2}", "2 .weights.code: must be a number from 0 to 1"],
  ])("%j is refused", (lines, expected) => {
    expect(
      problems(lines)
        .join("|")
        .replace(/ Did you mean "router.*/, ""),
    ).toContain(expected);
    expect(problems(lines)).toHaveLength(1);
  });

  test("share no name with a split", () => {
    const text = `${router("default_model: small")}  traffic_splits: {auto: {arms: [{model: small, percent: 100}]}}\n`;
    expect(report(text)).toEqual([
      "7:7 router_settings.content_routers.auto: is the name of a traffic split too; give one of them another name",
    ]);
  });
});

describe("an entry with auto_router/complexity_router", () => {
  const entry = (config: string, more = ""): string =>
    `${MODELS}  - model_name: auto\n    litellm_params:\n      model: auto_router/complexity_router\n      complexity_router_config: ${config}\n${more}`;
  const routers = (config: string, more = ""): unknown => load(entry(config, more)).routing.contentRouters;

  test("is no deployment, but a content router", () => {
    const config = load(entry("{tiers: {SIMPLE: small, MEDIUM: [small], COMPLEX: large, REASONING: large}}"));
    expect(config.deployments.map(({ model }) => model)).toEqual(["small", "large"]);
    expect(config.routing.contentRouters).toEqual({
      auto: { tiers: { simple: "small", medium: "small", complex: "large", reasoning: "large" } },
    });
  });

  test("its boundaries are carried over from LiteLLM's scale, so that its defaults are ours", () => {
    const boundaries = (text: string): unknown => routers(`{tiers: {SIMPLE: small}, tier_boundaries: {${text}}}`);
    const thresholds = (medium: number, complex: number, reasoning: number): unknown => ({
      auto: { tiers: { simple: "small" }, thresholds: { medium, complex, reasoning } },
    });
    expect(boundaries("simple_medium: 0.15, medium_complex: 0.35, complex_reasoning: 0.60")).toEqual(
      thresholds(0.25, 0.5, 0.75),
    );
    expect(boundaries("simple_medium: 0.25")).toEqual(thresholds(0.375, 0.5, 0.75));
    expect(boundaries("simple_medium: 0, complex_reasoning: 1")).toEqual(thresholds(0, 0.5, 1));
    expect(boundaries("complex_reasoning: 0.8")).toEqual(thresholds(0.25, 0.5, 0.875));
  });

  test("of its keyword rules the hardest tier comes first", () => {
    const config =
      "{tiers: {SIMPLE: small, REASONING: large}, keyword_tier_rules: [{keywords: [hello], tier: SIMPLE}, {keywords: [proof, theorem], tier: REASONING}]}";
    expect(routers(config, "      complexity_router_default_model: large\n")).toEqual({
      auto: {
        rules: [
          { name: "keywords 2", when: { contains: ["proof", "theorem"] }, use: "large" },
          { name: "keywords 1", when: { contains: ["hello"] }, use: "small" },
        ],
        tiers: { simple: "small", reasoning: "large" },
        defaultModel: "large",
      },
    });
  });

  const params = "model_list[2].litellm_params";
  const own = `${params}.complexity_router_config`;

  test.each([
    ["{}", "", `${own}.tiers: is missing`],
    ["{tiers: {MEDIUM: small}}", "", `${own}.tiers.SIMPLE: is missing`],
    ["{tiers: {SIMPLE: smll}}", "", `${own}.tiers.SIMPLE: no model is named "smll". Did you mean "small"?`],
    [
      "{tiers: {SIMPLE: [small, large]}}",
      "",
      `${own}.tiers.SIMPLE: names several models; give their entries one model_name, and name that`,
    ],
    ["{tiers: {SIMPEL: small}}", "", `${own}.tiers.SIMPEL: unknown key. Did you mean "SIMPLE"?`],
    [
      "{tiers: {SIMPLE: small}, tier_boundaries: {simple_medium: 0.5}}",
      "",
      `${own}.tier_boundaries: must ascend, from simple_medium to complex_reasoning`,
    ],
    [
      "{tiers: {SIMPLE: small}, keyword_tier_rules: [{keywords: [a], tier: COMPLEX}]}",
      "",
      `${own}.keyword_tier_rules[0].tier: is a tier without a model`,
    ],
    [
      "{tiers: {SIMPLE: small}, keyword_tier_rules: [{keywords: [a], tier: HARD}]}",
      "",
      `${own}.keyword_tier_rules[0].tier: must be one of SIMPLE, MEDIUM, COMPLEX, REASONING`,
    ],
    [
      "{tiers: {SIMPLE: small}, classifier_type: llm}",
      "",
      `${own}.classifier_type: needs the plugin "auto-router", which this gateway does not have; remove the key, or add the plugin`,
    ],
    [
      "{tiers: {SIMPLE: small}, default_model: small}",
      "      complexity_router_default_model: large\n",
      `${own}.default_model: says small, and ${params}.complexity_router_default_model says large; keep one of the two`,
    ],
    [
      "{tiers: {SIMPLE: small}}",
      "      timeout: 5\n",
      `${params}.timeout: has no effect: this entry only stands for other models`,
    ],
    [
      "{tiers: {SIMPLE: small}}",
      "    model_info: {id: x}\n",
      "model_list[2].model_info.id: has no effect: this entry only stands for other models",
    ],
    [
      "{tiers: {SIMPLE: small}}",
      "  - {model_name: auto, litellm_params: {model: openai/gpt-5}}\n",
      "model_list[2].model_name: is the name of something else too; a router has a name of its own",
    ],
  ])("%j %j is refused", (config, more, expected) => {
    expect(report(entry(config, more)).map((line) => line.replace(/^\S+ /, ""))).toContain(expected);
  });

  test("other routers, and its keys elsewhere, are refused", () => {
    const lines = report(`${MODELS}  - {model_name: auto, litellm_params: {model: auto_router/semantic}}
  - {model_name: x, litellm_params: {model: openai/x, complexity_router_default_model: small}}
`);
    expect(lines).toEqual([
      '4:48 model_list[2].litellm_params.model: names a router that this gateway does not have; it has "auto_router/complexity_router"',
      "5:88 model_list[3].litellm_params.complexity_router_default_model: has an effect only in a router; write model: auto_router/complexity_router",
    ]);
  });
});
