/** What a character is to the search for words. */
export const SEPARATOR = 0;
/** Part of a word. */
export const LETTER = 1;
/** An accent on its own: as if it were not there. */
export const ACCENT = 2;
/** A word by itself: scripts that put no spaces between words. */
export const IDEOGRAPH = 3;

const UNITS = 0x1_0000;
/** Below it every character is looked at; beyond it there are hardly any with upper and lower case. */
const SMALL_SCRIPTS = 0x2000;

/** Kinds and plain forms of UTF-16 code units. */
export interface CharacterTable {
  /** `SEPARATOR`, `LETTER`, `ACCENT` or `IDEOGRAPH`. */
  readonly kinds: Uint8Array;
  /** The unit in lower case and without its accent: `É` → `e`. */
  readonly forms: Uint16Array;
}

/** Thai, Lao, Myanmar and Khmer; kana, han and hangul. First and last. */
const UNSPACED = [
  [0xe00, 0xeff],
  [0x1000, 0x109f],
  [0x1780, 0x17ff],
  [0x3041, 0x30ff],
  [0x3400, 0x9fff],
  [0xac00, 0xd7a3],
] as const;

/** Letters beyond the small scripts. Halves of surrogate pairs are mostly emoji. */
const LARGE_SCRIPTS = [
  [0x2c00, 0x2dff],
  [0xa4d0, 0xabff],
] as const;

/** Made once per router: some milliseconds. */
export function characterTable(): CharacterTable {
  const kinds = new Uint8Array(UNITS);
  const forms = new Uint16Array(UNITS);
  for (let unit = 0; unit < UNITS; unit++) forms[unit] = unit;
  for (let unit = 0; unit < SMALL_SCRIPTS; unit++) {
    const character = String.fromCharCode(unit);
    if (!/[\p{L}\p{N}\p{M}_]/u.test(character)) continue;
    kinds[unit] = LETTER;
    forms[unit] = character.normalize("NFD").slice(0, 1).toLowerCase().charCodeAt(0);
  }
  kinds.fill(ACCENT, 0x300, 0x370);
  for (const [first, last] of LARGE_SCRIPTS) kinds.fill(LETTER, first, last + 1);
  for (const [first, last] of UNSPACED) {
    for (let unit = first; unit <= last; unit++) {
      if (unit >= SMALL_SCRIPTS || kinds[unit] === LETTER) kinds[unit] = IDEOGRAPH;
    }
  }
  return { kinds, forms };
}
