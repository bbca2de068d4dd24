import { describe, expect, it } from "vitest";
import { Seam } from "../../src/streams/seam.ts";

/** What is shown of a continuation that arrives in these pieces. */
function shown(before: string, pieces: readonly string[]): string {
  const seam = new Seam(before);
  return pieces.map((piece) => seam.push(piece)).join("") + seam.end();
}

/** Whole, character by character, and cut once at every place. */
function* cuts(text: string): Generator<readonly string[]> {
  yield [text];
  yield [...text];
  for (let at = 1; at < text.length; at++) yield [text.slice(0, at), text.slice(at)];
}

const FOX = "The quick brown fox jumps over the lazy dog";

describe("a seam", () => {
  it.each([
    ["goes on", FOX, " and runs away.", " and runs away."],
    ["repeats the last words", FOX, "over the lazy dog and runs.", " and runs."],
    ["repeats them after a line break", FOX, "\n\nover the lazy dog and runs.", " and runs."],
    ["repeats all of it", FOX, `${FOX} and runs.`, " and runs."],
    ["says nothing but what was said", FOX, FOX, ""],
    ["begins a short text anew", "Hello,", "Hello, world", " world"],
    ["begins with a word that stands in the text", FOX, "The quick answer", "The quick answer"],
    ["begins with the last letters by chance", FOX, "dog days", "dog days"],
    ["begins with the last word by chance", "I would say that it depends", " depends on", " depends on"],
    ["repeats a line of a table", "| a | b |\n| --- | --- |", "| --- | --- |\n", "| --- | --- |\n"],
    ["goes on with a line of dashes", "-".repeat(40), "-".repeat(40), "-".repeat(40)],
    [
      "goes on with a refrain",
      "Row, row, row your boat\nRow, row, row your boat\n",
      "Row, row, row your boat\n",
      "Row, row, row your boat\n",
    ],
    [
      "goes on with a line of code",
      "  return undefined;\n}\n  return undefined;\n",
      "  return undefined;\n}",
      "  return undefined;\n}",
    ],
    ["repeats Chinese", "敏捷的棕色狐狸跳过了懒狗", "跳过了懒狗然后跑了", "然后跑了"],
    ["repeats emoji", "one two three 🎉🎊🥳", "three 🎉🎊🥳 four", " four"],
    ["follows nothing", "", "The quick brown fox", "The quick brown fox"],
    ["is empty", FOX, "", ""],
    ["is white space", FOX, " \n ", " \n "],
  ])("when the continuation %s, however it is cut", (_what, before, text, expected) => {
    for (const pieces of cuts(text)) expect(shown(before, pieces), JSON.stringify(pieces)).toBe(expected);
  });

  it("finds a repetition of every length from 12 characters to 200, and none that is longer", () => {
    const long = Array.from({ length: 100 }, (_, at) => `word${at} `).join("");
    for (let length = 12; length <= 200; length++) {
      const repeated = long.slice(-length);
      expect(shown(long, [...`${repeated}and more`]), String(length)).toBe("and more");
    }
    const beyond = long.slice(-201);
    expect(shown(long, [...`${beyond}and more`])).toBe(`${beyond}and more`);
  });

  it("holds back no more than 200 characters, and nothing that cannot be a repetition", () => {
    const before = "abcdefghij".repeat(30);
    const seam = new Seam(before);
    let sent = 0;
    let received = 0;
    let most = 0;
    for (const character of "abcdefghij".repeat(40)) {
      sent++;
      received += seam.push(character).length;
      most = Math.max(most, sent - received);
    }
    expect(most).toBeLessThan(200);
    expect(new Seam(FOX).push("Zebras")).toBe("Zebras");
  });

  it("says how much it took away, and passes on everything after that", () => {
    const seam = new Seam(FOX);
    expect(seam.push(" over the lazy dog")).toBe("");
    expect(seam.push(" and")).toBe(" and");
    expect(seam.removed).toBe(18);
    expect(seam.push(" over the lazy dog")).toBe(" over the lazy dog");
    expect(seam.end()).toBe("");
  });
});
