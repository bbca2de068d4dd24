/** Scripts that one language, or a few, are written in. */
const SCRIPTS: readonly (readonly [string, RegExp])[] = [
  ["ja", /[\p{Script=Hiragana}\p{Script=Katakana}]/gu],
  ["ko", /\p{Script=Hangul}/gu],
  ["zh", /\p{Script=Han}/gu],
  ["ar", /\p{Script=Arabic}/gu],
  ["he", /\p{Script=Hebrew}/gu],
  ["th", /\p{Script=Thai}/gu],
  ["el", /\p{Script=Greek}/gu],
  ["hi", /\p{Script=Devanagari}/gu],
  ["ru", /\p{Script=Cyrillic}/gu],
];

/** Short words that every longer text of a language has. */
const COMMON: Readonly<Record<string, ReadonlySet<string>>> = {
  en: words("the and is are was of to in that it for you with this have what not be on can how my please"),
  de: words("der die das und ist sind nicht ein eine ich du sie wir mit für auf den dem zu von wie bitte auch"),
  fr: words("le la les et est sont une un des je vous nous pas pour dans avec que qui du au ce comment il elle"),
  es: words("el la los las y es son una un de que no por para con en yo usted cómo está mi lo se del"),
  it: words("il lo la gli e è sono una un di che non per con in io come mi si del della questo sei"),
  pt: words("o a os as e é são uma um de que não por para com em eu você como está meu se do da"),
  nl: words("de het een en is zijn niet ik je wij met voor op van dat die hoe naar ook maar te"),
};

const SAMPLE = 4_000;
const FEWEST_LETTERS = 24;
const FEWEST_WORDS = 5;

/** The language of a text, where it is sure: ISO 639-1. Cyrillic counts as `ru`, Devanagari as `hi`. */
export function languageOf(text: string): string | undefined {
  const sample = text.slice(0, SAMPLE);
  const letters = sample.match(/\p{L}/gu)?.length ?? 0;
  for (const [language, script] of SCRIPTS) {
    const count = sample.match(script)?.length ?? 0;
    // Japanese is told from Chinese by its syllables, of which it has many among the characters.
    if (count >= 6 && count > letters * (language === "ja" ? 0.15 : 0.5)) return language;
  }
  if (letters < FEWEST_LETTERS) return undefined;
  const spoken = sample.toLowerCase().match(/\p{L}+/gu) ?? [];
  if (spoken.length < FEWEST_WORDS) return undefined;
  let [best, second]: [[string, number], number] = [["", 0], 0];
  for (const [language, common] of Object.entries(COMMON)) {
    const count = spoken.filter((word) => common.has(word)).length;
    if (count > best[1]) [best, second] = [[language, count], best[1]];
    else second = Math.max(second, count);
  }
  return best[1] >= 3 && best[1] >= spoken.length * 0.12 && best[1] > second * 1.3 ? best[0] : undefined;
}

function words(list: string): ReadonlySet<string> {
  return new Set(list.split(" "));
}
