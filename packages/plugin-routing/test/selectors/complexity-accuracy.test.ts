import { describe, expect, it } from "vitest";
import type { ComplexityTier } from "../../src/selectors/content-options.ts";
import { COMPLEXITY_TIERS } from "../../src/selectors/content-options.ts";
import { contentRouter } from "../../src/selectors/content-router.ts";
import { chatCall } from "../calls.ts";
import type { LabelledPrompt } from "./labelled-prompts.ts";
import { HELD_OUT, TUNING } from "./labelled-prompts.ts";

const router = contentRouter("auto", {
  tiers: { simple: "simple", medium: "medium", complex: "complex", reasoning: "reasoning" },
});

function tierOf(text: string): ComplexityTier {
  return router.select(chatCall({ text })) as ComplexityTier;
}

interface Measured {
  readonly right: number;
  /** By at most one tier off. */
  readonly near: number;
  /** Hard questions, complex or reasoning, that went to the cheapest model. */
  readonly lost: readonly string[];
}

function measure(prompts: readonly LabelledPrompt[]): Measured {
  const distances = prompts.map(({ text, tier }) =>
    Math.abs(COMPLEXITY_TIERS.indexOf(tierOf(text)) - COMPLEXITY_TIERS.indexOf(tier)),
  );
  return {
    right: distances.filter((distance) => distance === 0).length,
    near: distances.filter((distance) => distance <= 1).length,
    lost: prompts
      .filter(({ tier, text }) => (tier === "complex" || tier === "reasoning") && tierOf(text) === "simple")
      .map(({ text }) => text.slice(0, 20)),
  };
}

describe("the tiers that people would choose", () => {
  it("are found for 180 of 183 prompts that the words were chosen for", () => {
    expect(TUNING).toHaveLength(183);
    const { right, near, lost } = measure(TUNING);
    expect(right).toBeGreaterThanOrEqual(180);
    expect(near).toBeGreaterThanOrEqual(182);
    expect(lost).toEqual(["You have 12 coins, o"]);
  });

  it("are found for 68 of 72 others, and missed by one tier for the rest", () => {
    expect(HELD_OUT).toHaveLength(72);
    const { right, near, lost } = measure(HELD_OUT);
    expect(right).toBeGreaterThanOrEqual(68);
    expect(near).toBe(72);
    expect(lost).toEqual([]);
  });

  it.each(["en", "de", "fr", "es", "pt"] as const)("are found for nine prompts of ten in %s", (language) => {
    const prompts = [...TUNING, ...HELD_OUT].filter((prompt) => prompt.language === language);
    expect(measure(prompts).right / prompts.length).toBeGreaterThanOrEqual(0.9);
  });

  it("hold for prompts of every tier and language", () => {
    const prompts = [...TUNING, ...HELD_OUT];
    expect(new Set(prompts.map(({ text }) => text)).size).toBe(prompts.length);
    for (const tier of COMPLEXITY_TIERS) {
      for (const language of ["en", "de", "fr", "es", "pt"]) {
        expect(prompts.some((prompt) => prompt.tier === tier && prompt.language === language)).toBe(true);
      }
    }
  });
});

describe("near misses", () => {
  it.each([
    // words of programming, mathematics and logic that mean something else
    ["What class of animal is a whale?", "simple"],
    ["What's the function of the mitochondria?", "simple"],
    ["Is a python dangerous?", "simple"],
    ["What is the import duty on rust-coloured carpets?", "simple"],
    ["Which branch of the library is open today?", "simple"],
    ["Who invented the loop pedal?", "simple"],
    ["Where can I buy a string of pearls?", "simple"],
    // a word is a word only as a whole
    ["Is improvement in approving provenance a word?", "simple"],
    // a greeting does not make a task easier
    ["Hi! Thanks for yesterday. Explain how vaccines work.", "medium"],
  ] as const)("%s is %s", (text, tier) => {
    expect(tierOf(text)).toBe(tier);
  });
});

describe("scripts whose words are not known", () => {
  it("are judged by their shape", () => {
    expect(tierOf("こんにちは")).toBe("simple");
    expect(tierOf("次のコードを直してください。\n```ts\nconst rows = data.map((row) => row.id);\n```")).not.toBe(
      "simple",
    );
    const list = "Напишите план:\n1. Цели\n2. Сроки\n3. Бюджет\n4. Риски, ресурсы, команда, отчёты, проверки";
    expect(tierOf(list)).toBe("medium");
  });
});
