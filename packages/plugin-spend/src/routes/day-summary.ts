import type { NanoUsd, Scope } from "@signalbox/kernel";
import type { Table } from "../http/table.ts";
import { tableOf } from "../http/table.ts";
import type { Range } from "../reports/days.ts";
import { boundsOfDay } from "../reports/days.ts";
import type { Money } from "../reports/money.ts";
import { usdOf } from "../reports/money.ts";
import { selectionOf, sumsOf } from "../reports/selection.ts";
import type { Sources } from "../sources.ts";

interface Day {
  total: NanoUsd;
  readonly users: Map<string, NanoUsd>;
  readonly models: Map<string, NanoUsd>;
  readonly keys: Map<string, NanoUsd>;
}

/** What each day has cost, by user, model and key. */
export async function daySummary(
  scopes: readonly Scope[],
  range: Range,
  money: Money,
  { entries }: Sources,
): Promise<Table> {
  const selection = selectionOf(Object.fromEntries(scopes.map(({ kind, id }) => [kind, id])));
  const days = new Map<string, Day>();
  const dayOf = (name: string): Day => {
    const day = days.get(name) ?? { total: 0n, users: new Map(), models: new Map(), keys: new Map() };
    days.set(name, day);
    return day;
  };
  for (const field of ["user", "model", "key"] as const) {
    for (const { group, billed } of await sumsOf(entries, selection, range, ["day", field])) {
      const day = dayOf(group["day"] as string);
      day[`${field}s`].set(group[field] as string, billed);
      if (field === "model") day.total += billed;
    }
  }
  const rows = [...days].sort(([one], [other]) => (one < other ? -1 : 1));
  const spendOn = (day: string, amount: NanoUsd) => money.of("spend", amount, boundsOfDay(day, range.timezone).from);
  const json = rows.map(([day, { total, users, models, keys }]) => ({
    startTime: day,
    ...spendOn(day, total),
    users: usdByName(users),
    models: usdByName(models),
    ...usdByName(keys),
  }));
  const flat = rows.flatMap(([day, { models }]) =>
    [...models].map(([model, amount]) => ({ date: day, model, ...spendOn(day, amount) })),
  );
  return tableOf(flat, json);
}

function usdByName(amounts: ReadonlyMap<string, NanoUsd>): Record<string, number> {
  return Object.fromEntries([...amounts].map(([name, amount]) => [name, usdOf(amount)]));
}
