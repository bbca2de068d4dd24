import type { BudgetLine, Entry, ReservationRequest, Settlement } from "../ledger.ts";
import { ListTexts } from "./list-texts.ts";

/**
 * What a spool records of an attempt: that its reservation is asked for (`R`), was denied (`N`), that it is sent (`D`),
 * both at once (`P`), how it ended (`S`), and its entry (`E`).
 */
export type SpoolRecord =
  | { readonly kind: "R" | "P"; readonly request: ReservationRequest; readonly at: number }
  | { readonly kind: "N" | "D"; readonly id: string }
  | { readonly kind: "S"; readonly settlement: Settlement }
  | { readonly kind: "E"; readonly entry: Entry };

/** Amounts are texts in JSON: it has no integers of their size. */
interface WrittenLine extends Omit<BudgetLine, "limit"> {
  readonly limit: string | null;
}

function bigintsAsTexts(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}

/** Writes records as text. */
export class RecordWriter {
  readonly #lists: ListTexts = new ListTexts(json);
  readonly #lines: ListTexts = new ListTexts(linesText);

  write(record: SpoolRecord): string {
    switch (record.kind) {
      case "R":
      case "P":
        return record.kind + this.#request(record.request, record.at);
      case "S":
        return `S${json({ ...record.settlement, actual: record.settlement.actual.toString() })}`;
      case "E":
        return `E${this.entry(record.entry)}`;
      default:
        return record.kind + record.id;
    }
  }

  entry(entry: Entry): string {
    const { usage, costLines, cost, billed, cacheSavings, scopes, lines } = entry;
    const written: Record<string, unknown> = { ...entry, cost: cost.toString(), billed: billed.toString() };
    if (cacheSavings !== undefined) written["cacheSavings"] = cacheSavings.toString();
    written["scopes"] = undefined;
    written["lines"] = undefined;
    if (usage.reportedCost !== undefined) written["usage"] = { ...usage, reportedCost: usage.reportedCost.toString() };
    if (costLines !== undefined) {
      written["costLines"] = costLines.map((line) => ({ ...line, picoUsdPerUnit: line.picoUsdPerUnit.toString() }));
    }
    const text = member("scopes", this.#lists.of(scopes), json(written));
    return lines === undefined ? text : member("lines", this.#lists.of(lines), text);
  }

  #request({ id, estimate, lines, about }: ReservationRequest, at: number): string {
    const head = `{"id":${JSON.stringify(id)},"estimate":"${estimate}","at":${at},"lines":${this.#lines.of(lines)}`;
    if (about === undefined) return `${head}}`;
    const outline = json({ ...about, scopes: undefined });
    return `${head},"about":${member("scopes", this.#lists.of(about.scopes), outline)}}`;
  }
}

/** The text of an object, with one member more. */
function member(name: string, text: string, object: string): string {
  return `{"${name}":${text}${object === "{}" ? "" : ","}${object.slice(1)}`;
}

function linesText(lines: readonly object[]): string {
  return json(
    (lines as readonly BudgetLine[]).map(
      ({ scope, period, limit }): WrittenLine => ({ scope, period, limit: limit === null ? null : limit.toString() }),
    ),
  );
}

/** A replacer costs a call for every value: only what others have put there needs one. */
function json(value: object): string {
  try {
    return JSON.stringify(value);
  } catch (thrown) {
    if (!(thrown instanceof TypeError)) throw thrown;
    return JSON.stringify(value, bigintsAsTexts);
  }
}

/** Reads a record that a `RecordWriter` wrote; its frame has vouched for every byte. */
export function readRecord(text: string): SpoolRecord {
  const kind = text[0];
  const rest = text.slice(1);
  switch (kind) {
    case "R":
    case "P": {
      const { at, ...request } = JSON.parse(rest);
      const lines = (request.lines as readonly WrittenLine[]).map((line) => ({
        ...line,
        limit: line.limit === null ? null : BigInt(line.limit),
      }));
      return { kind, at, request: { ...request, estimate: BigInt(request.estimate), lines } };
    }
    case "S": {
      const settlement = JSON.parse(rest);
      return { kind, settlement: { ...settlement, actual: BigInt(settlement.actual) } };
    }
    case "E":
      return { kind, entry: readEntry(JSON.parse(rest)) };
    case "N":
    case "D":
      return { kind, id: rest };
    default:
      throw new RangeError(`a spool has a record of an unknown kind: ${JSON.stringify(text.slice(0, 20))}`);
  }
}

/** The amounts of an entry: all of them have a place of their own. */
function readEntry(written: Record<string, unknown>): Entry {
  const entry = written as unknown as Record<string, unknown> & Entry;
  const { usage, costLines } = entry;
  return {
    ...entry,
    cost: BigInt(entry.cost),
    billed: BigInt(entry.billed),
    ...(entry.cacheSavings !== undefined && { cacheSavings: BigInt(entry.cacheSavings) }),
    usage: usage.reportedCost === undefined ? usage : { ...usage, reportedCost: BigInt(usage.reportedCost) },
    ...(costLines !== undefined && {
      costLines: costLines.map((line) => ({ ...line, picoUsdPerUnit: BigInt(line.picoUsdPerUnit) })),
    }),
  };
}
