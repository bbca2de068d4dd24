import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SpendGateway } from "./spend-gateway.ts";
import { entryOf, STORES, spendGateway } from "./spend-gateway.ts";

const at = (moment: string, billed: bigint) => entryOf({ at: moment, billed });

describe.each(STORES)("days of 23 and 25 hours in %s", (store) => {
  let running: SpendGateway;
  beforeAll(async () => {
    running = await spendGateway(store);
    await running.entries.append([
      at("2026-03-28T22:59:59.999Z", 1n),
      at("2026-03-28T23:00:00Z", 20n),
      at("2026-03-29T21:59:59.999Z", 300n),
      at("2026-03-29T22:00:00Z", 4_000n),
      at("2026-10-24T22:00:00Z", 50_000n),
      at("2026-10-25T22:59:59.999Z", 600_000n),
      at("2026-10-25T23:00:00Z", 7_000_000n),
    ]);
  });
  afterAll(() => running.close());

  async function days(query: string): Promise<Readonly<Record<string, string>>> {
    const { body } = await running.get(`/global/spend/logs?${query}`);
    return Object.fromEntries(body.map(({ date, spend_nano: nano }: Readonly<Record<string, string>>) => [date, nano]));
  }

  it("are whole days", async () => {
    expect(await days("start_date=2026-03-29&end_date=2026-03-29&timezone=Europe/Berlin")).toEqual({
      "2026-03-29": "320",
    });
    expect(await days("start_date=2026-10-25&end_date=2026-10-25&timezone=Europe/Berlin")).toEqual({
      "2026-10-25": "650000",
    });
    expect(await days("start_date=2026-03-28&end_date=2026-03-30&timezone=Europe/Berlin")).toEqual({
      "2026-03-28": "1",
      "2026-03-29": "320",
      "2026-03-30": "4000",
    });
    expect(await days("start_date=2026-10-25&end_date=2026-10-25")).toEqual({ "2026-10-25": "7600000" });
  });

  it("are whole days in daily activity", async () => {
    const { body } = await running.get(
      "/user/daily/activity?start_date=2026-10-25&end_date=2026-10-26&timezone=Europe/Berlin",
    );
    expect(
      body.results.map((day: { readonly date: string; readonly metrics: { readonly spend_nano: string } }) => [
        day.date,
        day.metrics.spend_nano,
      ]),
    ).toEqual([
      ["2026-10-26", "7000000"],
      ["2026-10-25", "650000"],
    ]);
  });
});
