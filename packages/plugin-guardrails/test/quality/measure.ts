import { readFileSync } from "node:fs";
import type { Finding } from "@signalbox/kernel";
import { personalDetectors, secretDetectors } from "../../src/detectors/built-in.ts";
import { injectionScore } from "../../src/detectors/injection.ts";
import { mergedFinder } from "../../src/detectors/merged-finder.ts";

/** How well one kind is found. */
export interface Quality {
  readonly kind: string;
  readonly cases: number;
  readonly labels: number;
  readonly found: number;
  readonly wrong: number;
  readonly misses: readonly string[];
  readonly alarms: readonly string[];
}

function lines(name: string): readonly string[] {
  const text = readFileSync(new URL(name, import.meta.url), "utf8");
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("# One text"));
}

interface Labelled {
  readonly text: string;
  readonly labels: readonly Finding[];
}

function labelled(line: string): Labelled {
  const labels: Finding[] = [];
  let text = "";
  let read = 0;
  for (const { 0: all, 1: kind = "", 2: piece = "", index } of line.matchAll(/\{\{(\w+)\|([^}]*)\}\}/g)) {
    text += line.slice(read, index);
    labels.push({ start: text.length, end: text.length + piece.length, kind });
    text += piece;
    read = index + all.length;
  }
  return { text: text + line.slice(read), labels };
}

/** Of several kinds, each in its part of a file (`# email`), or of the one kind of the file. */
function spans(name: string, finder: ReturnType<typeof mergedFinder>, only?: string): readonly Quality[] {
  const parts = new Map<string, string[]>();
  let part = only ?? "";
  for (const line of lines(name)) {
    if (/^# \w+$/.test(line)) part = line.slice(2);
    else parts.set(part, [...(parts.get(part) ?? []), line]);
  }
  return [...parts].map(([kind, list]) => {
    let [labels, found, wrong] = [0, 0, 0];
    const [misses, alarms]: [string[], string[]] = [[], []];
    for (const line of list) {
      const { text, labels: wanted } = labelled(line);
      const findings = finder.find(text, 0, undefined as never) as readonly Finding[];
      labels += wanted.length;
      for (const label of wanted) {
        const hit = findings.some(
          (each) => (only !== undefined || each.kind === kind) && each.start <= label.start && each.end >= label.end,
        );
        if (hit) found++;
        else misses.push(text);
      }
      // Whatever is found where nothing of the kind is: another kind is as wrong as this one.
      for (const each of findings) {
        if (wanted.some((label) => each.start < label.end && each.end > label.start)) continue;
        wrong++;
        alarms.push(`${text} (${each.kind})`);
      }
    }
    return { kind, cases: list.length, labels, found, wrong, misses, alarms };
  });
}

function injections(folder: string): Quality {
  const list = lines(`${folder}injection.txt`);
  const attempts = list.filter((line) => line.startsWith("+ ")).map((line) => line.slice(2));
  const harmless = list.filter((line) => line.startsWith("- ")).map((line) => line.slice(2));
  const misses = attempts.filter((text) => injectionScore(text) < 0.6);
  const alarms = harmless.filter((text) => injectionScore(text) >= 0.6);
  const found = attempts.length - misses.length;
  return {
    kind: "injection",
    cases: list.length,
    labels: attempts.length,
    found,
    wrong: alarms.length,
    misses,
    alarms,
  };
}

/** All kinds, on the cases of a folder. */
export function measure(folder: "" | "held-out/" = ""): readonly Quality[] {
  return [
    ...spans(`${folder}personal.txt`, mergedFinder(personalDetectors())),
    ...spans(`${folder}secrets.txt`, mergedFinder(secretDetectors()), "secret"),
    injections(folder),
  ];
}

/** The table and the misses, as they stand in the docs. */
export function report(qualities: readonly Quality[]): string {
  const percent = (part: number, whole: number): string =>
    whole === 0 ? "–" : `${((100 * part) / whole).toFixed(1)} %`;
  const rows = qualities.map(
    ({ kind, cases, labels, found, wrong }) =>
      `| \`${kind}\` | ${cases} | ${labels} | ${percent(found, labels)} | ${percent(found, found + wrong)} |`,
  );
  const lists = qualities.map(({ kind, misses, alarms }) =>
    [
      ...misses.map((text) => `- \`${kind}\` missed: \`${text}\``),
      ...alarms.map((text) => `- \`${kind}\` found wrongly: \`${text}\``),
    ].join("\n"),
  );
  return [
    "| kind | cases | to find | recall | precision |",
    "| --- | ---: | ---: | ---: | ---: |",
    ...rows,
    "",
    ...lists.filter((list) => list !== ""),
  ].join("\n");
}
