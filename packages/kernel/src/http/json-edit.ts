import type { JsonScan } from "./json-scan.ts";

/**
 * Changes to the top-level members of a JSON object. A string is the new value as raw JSON text (it replaces the old
 * one, or is added at the end); undefined removes the member.
 */
export type JsonEdits = Readonly<Record<string, string | undefined>>;

/** What else to change in the JSON beside members. */
export interface JsonEditOptions {
  /** Old name → new name; done before the edits. A member that already has the new name wins. */
  readonly rename?: Readonly<Record<string, string>> | undefined;
}

/** One top-level member and where it stands in the bytes. */
export interface JsonMember {
  readonly name: string;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
  /** The same name comes again further on. */
  superseded: boolean;
}

export function readMembers(bytes: Buffer, scan: JsonScan): readonly JsonMember[] {
  const { members: offsets } = scan;
  const last = new Map<string, JsonMember>();
  const members: JsonMember[] = [];
  for (let index = 0; index + 3 < offsets.length; index += 4) {
    const keyStart = offsets[index] as number;
    const keyEnd = offsets[index + 1] as number;
    const member: JsonMember = {
      name: keyName(bytes.toString("utf8", keyStart + 1, keyEnd - 1)),
      keyStart,
      keyEnd,
      valueStart: offsets[index + 2] as number,
      valueEnd: offsets[index + 3] as number,
      superseded: false,
    };
    const earlier = last.get(member.name);
    if (earlier !== undefined) earlier.superseded = true;
    last.set(member.name, member);
    members.push(member);
  }
  return members;
}

/** The bytes of an object (its `{` at `open`) with the changes made and everything else as it was. */
export function editJson(
  bytes: Buffer,
  open: number,
  members: readonly JsonMember[],
  edits: JsonEdits,
  rename: Readonly<Record<string, string>> | undefined,
): Buffer {
  const splice = new Splice(bytes);
  const written: string[] = [];
  for (let index = 0; index < members.length; index++) {
    const member = members[index] as JsonMember;
    if (member.superseded) continue;
    const name = newName(member.name, rename);
    if (name !== member.name && (members.some((other) => other.name === name) || written.includes(name))) continue;
    const value = edits[name];
    if (value === undefined && Object.hasOwn(edits, name)) continue;
    // what stands before the member: the head of the object, or the comma and space of its own
    if (written.length === 0) splice.copy(0, (members[0] as JsonMember).keyStart);
    else splice.copy((members[index - 1] as JsonMember).valueEnd, member.keyStart);
    written.push(name);
    if (name === member.name) splice.copy(member.keyStart, member.keyEnd);
    else splice.write(JSON.stringify(name));
    splice.copy(member.keyEnd, member.valueStart);
    if (value === undefined || !Object.hasOwn(edits, name)) splice.copy(member.valueStart, member.valueEnd);
    else splice.write(value);
  }
  if (written.length === 0) splice.copy(0, members[0]?.keyStart ?? open + 1);
  for (const name of Object.keys(edits)) {
    const value = edits[name];
    if (value === undefined || written.includes(name)) continue;
    splice.write(`${written.length > 0 ? "," : ""}${JSON.stringify(name)}:${value}`);
    written.push(name);
  }
  splice.copy(members.at(-1)?.valueEnd ?? open + 1, bytes.length);
  return splice.end();
}

function newName(name: string, rename: Readonly<Record<string, string>> | undefined): string {
  return rename !== undefined && Object.hasOwn(rename, name) ? (rename[name] ?? name) : name;
}

function keyName(text: string): string {
  return text.includes("\\") ? (JSON.parse(`"${text}"`) as string) : text;
}

/** Collects ranges of the source and new text; adjoining ranges become one copy. */
class Splice {
  readonly #source: Buffer;
  /** Two numbers for a range of the source, a string for new text. */
  readonly #pieces: (number | string)[] = [];
  #length = 0;
  #from = 0;
  #to = 0;

  constructor(source: Buffer) {
    this.#source = source;
  }

  copy(from: number, to: number): void {
    if (from !== this.#to) {
      this.#flush();
      this.#from = from;
    }
    this.#to = to;
  }

  write(text: string): void {
    this.#flush();
    this.#pieces.push(text);
    this.#length += Buffer.byteLength(text);
  }

  end(): Buffer {
    if (this.#pieces.length === 0 && this.#from === 0 && this.#to === this.#source.length) return this.#source;
    this.#flush();
    const pieces = this.#pieces;
    const spliced = Buffer.allocUnsafe(this.#length);
    let at = 0;
    for (let index = 0; index < pieces.length; index++) {
      const piece = pieces[index] as number | string;
      if (typeof piece === "string") at += spliced.write(piece, at);
      else at += this.#source.copy(spliced, at, piece, pieces[++index] as number);
    }
    return spliced;
  }

  #flush(): void {
    if (this.#to > this.#from) {
      this.#pieces.push(this.#from, this.#to);
      this.#length += this.#to - this.#from;
    }
    this.#from = this.#to;
  }
}
