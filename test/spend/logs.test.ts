import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SpendGateway } from "./spend-gateway.ts";
import { entryOf, STORES, scopes, someEntries, spendGateway } from "./spend-gateway.ts";

interface Row {
  readonly request_id: string;
  readonly [field: string]: unknown;
}

describe.each(STORES)("attempts in %s", (store) => {
  let running: SpendGateway;
  beforeAll(async () => {
    running = await spendGateway(store);
    await running.entries.append(someEntries(running));
  });
  afterAll(() => running.close());

  async function ids(path: string, key?: string): Promise<string> {
    const { body } = await running.get(path, key);
    const rows: readonly Row[] = Array.isArray(body) ? body : body.data;
    return rows.map(({ request_id: id }) => id.replace("/1", "")).join(" ");
  }

  it("are shown with everything that is known of them", async () => {
    const { body } = await running.get("/spend/logs?request_id=two");
    expect(body).toEqual([
      {
        request_id: "two/1",
        call_id: "two",
        attempt: 1,
        call_type: "chat",
        api_key: running.ids.bob,
        spend: 0.000000003,
        spend_nano: "3",
        provider_cost_nano: "3",
        cost_status: "final",
        total_tokens: 7,
        prompt_tokens: 7,
        completion_tokens: 0,
        startTime: "2026-11-19T10:00:00.000Z",
        endTime: "2026-11-19T10:00:00.500Z",
        completionStartTime: null,
        model: "gpt-4o",
        model_id: "d-1",
        model_group: "gpt-4o",
        custom_llm_provider: "openai",
        user: "bob",
        end_user: "c-2",
        team_id: "blue",
        organization_id: null,
        session_id: "s-1",
        request_tags: ["x", "y"],
        cache_hit: null,
        cache_savings: null,
        status: "failure",
        error_code: "timeout",
        finish_reason: null,
        price_version: null,
        metadata: { usage_object: { inputTokens: 7, outputTokens: 0 }, error_information: { error_code: "timeout" } },
      },
    ]);
    expect((await running.get("/spend/logs/ui/two")).body).toMatchObject({ request_id: "two/1", messages: null });
    expect((await running.get("/spend/logs/ui/two/1")).body).toMatchObject({ request_id: "two/1" });
    expect((await running.get("/spend/logs/ui/none")).status).toBe(404);
  });

  it("are summed up by day when there are dates", async () => {
    const { body } = await running.get("/spend/logs?start_date=2026-11-19&end_date=2026-11-20");
    expect(body).toEqual([
      {
        startTime: "2026-11-19",
        spend: 0.250000004,
        spend_nano: "250000004",
        users: { ada: 0.250000001, bob: 0.000000003 },
        models: { claude: 0.250000001, "gpt-4o": 0.000000003 },
        [running.ids.ada]: 0.250000001,
        [running.ids.bob]: 0.000000003,
      },
      {
        startTime: "2026-11-20",
        spend: 2,
        spend_nano: "2000000000",
        users: { bob: 2, "": 0 },
        models: { "gpt-4o": 2 },
        [running.ids.bob]: 2,
        master: 0,
      },
    ]);
    expect(await ids("/spend/logs?start_date=2026-11-19&end_date=2026-11-20&summarize=false")).toBe(
      "five four three two",
    );
  });

  it("are found by conditions, sorted and paged", async () => {
    for (const [query, found] of [
      ["", "five four three two one"],
      ["user_id=ada", "three one"],
      [`api_key=${running.keys.ada}`, "three one"],
      ["key_alias=ada's", "three one"],
      ["team_id=blue&status_filter=success", "four"],
      ["status_filter=failure", "two"],
      ["error_code=timeout", "two"],
      ["end_user=c-1", "one"],
      ["tag=x&team_id=blue", "four two"],
      ["session_id=s-1", "four two"],
      ["model=claude", "three"],
      ["model_id=d-9", "three"],
      ["provider=openai&min_spend=1.5", "four one"],
      ["min_spend=0.000000003&max_spend=0.25", "two"],
      ["request_id=four", "four"],
      ["request_id=four/1", "four"],
      ["sort_by=spend&page_size=3", "four one three"],
      ["sort_by=spend&page_size=3&page=2", "two five"],
      ["sort_by=spend&sort_order=asc&page_size=2", "five two"],
      ["sort_order=asc&page_size=2&page=2", "three four"],
      ["start_date=2026-11-19&end_date=2026-11-19", "three two"],
      ["start_date=2026-11-19T12:00:00Z&end_date=2026-11-20T08:00:00Z", "four three"],
      ["start_date=2026-11-20&end_date=2026-11-20&timezone=Africa/Johannesburg", "five four three"],
    ]) {
      expect(await ids(`/spend/logs/v2?${query}`), query).toBe(found);
    }
    const { body } = await running.get("/spend/logs/ui?page_size=2&page=3");
    expect(body).toMatchObject({ total: 5, page: 3, page_size: 2, total_pages: 3 });
    expect(await ids("/spend/logs/session/ui?session_id=s-1")).toBe("four two");
    expect((await running.get("/spend/logs/v2?key_alias=nobody")).status).toBe(404);
  });

  it("show nobody what is another's", async () => {
    const { ada, bob, viewer } = running.keys;
    expect(await ids("/spend/logs", viewer)).toBe("five four three two one");
    expect(await ids("/spend/logs", ada)).toBe("three one");
    expect(await ids("/spend/logs/ui?status_filter=success", bob)).toBe("four");
    // ada administers the team red, bob is a member of the team blue
    expect(await ids("/spend/logs/ui?team_id=red", ada)).toBe("three one");
    expect(await ids("/spend/logs/session/ui?session_id=s-1", ada)).toBe("");
    expect(await ids("/spend/logs?request_id=one", bob)).toBe("");
    for (const [path, key] of [
      ["/spend/logs/ui/one", bob],
      ["/spend/logs?team_id=blue", bob],
      ["/spend/logs?team_id=red", bob],
      ["/spend/logs?user_id=ada", bob],
      [`/spend/logs?api_key=${running.ids.ada}`, bob],
      ["/spend/logs/ui?key_alias=ada's", bob],
      ["/spend/logs?user_id=nobody", ada],
      ["/spend/keys?team_id=blue", ada],
      ["/spend/users?user_id=ada", bob],
      ["/team/daily/activity?team_ids=red,blue", ada],
      ["/user/daily/activity?user_id=ada", bob],
      ["/global/spend/report?team_id=red", bob],
    ] as const) {
      const { status, body } = await running.get(path, key);
      expect([status, body.error?.code], path).toEqual([404, "not_found"]);
    }
    for (const path of [
      "/global/spend",
      "/global/spend/logs",
      "/global/spend/keys",
      "/global/spend/report",
      "/global/activity",
      "/spend/tags",
      "/provider/budgets",
      "/tag/daily/activity?tags=x",
      "/team/daily/activity",
      "/customer/daily/activity",
    ]) {
      const { status, body } = await running.get(path, ada);
      expect([status, body.error?.code], path).toEqual([403, "route_not_allowed"]);
      expect((await running.get(path, viewer)).status, path).toBe(200);
    }
    const own = await running.get("/spend/keys", ada);
    expect(own.body).toMatchObject([{ api_key: running.ids.ada, currency: "ZAR", spend_in_currency: 30.187500018 }]);
    const team = await running.get("/global/spend/report?team_id=red&group_by=team", ada);
    expect(team.body.map((day: { readonly teams: readonly unknown[] }) => day.teams.length)).toEqual([1, 1]);
    expect((await running.get("/user/daily/activity", ada)).body.metadata.total_spend).toBe(1.750000001);
    expect((await running.get("/spend/logs", "sk-nobody")).status).toBe(401);
  });

  it("are exported as CSV that no spreadsheet runs", async () => {
    await running.entries.append([
      entryOf({
        id: "six/1",
        at: "2025-06-01T00:00:00Z",
        model: '=HYPERLINK("http://x")',
        scopes: scopes({ user: "@bad\r\n,user", team: "+1", tag: "-2" }),
        tags: ["=tag"],
      }),
    ]);
    const query = "start_date=2025-06-01&end_date=2025-06-01&summarize=false";
    const { text, headers } = await running.get(`/spend/logs?${query}&format=csv`);
    expect(headers.get("content-type")).toBe("text/csv; charset=utf-8");
    expect(headers.get("content-disposition")).toBe('attachment; filename="spend-logs.csv"');
    const [head, line, end] = text.split("\r\n");
    expect(head).toMatch(/^request_id,call_id,attempt,startTime,/);
    expect(line).toContain(`,"'=HYPERLINK(""http://x"")",`);
    expect(line).toContain(`,"'@bad,user","'+1",`);
    expect(line).toContain(`,"[""=tag""]",`);
    expect(end).toBe("");
    const accepted = await running.get(`/spend/logs?${query}`, undefined, { accept: "text/csv" });
    expect(accepted.text).toBe(text);
    const report = await running.get("/global/spend/logs?start_date=2026-11-18&end_date=2026-11-19&format=csv");
    expect(report.text).toBe(
      "date,spend,spend_nano\r\n2026-11-18,1.5,1500000000\r\n2026-11-19,0.250000004,250000004\r\n",
    );
  });

  it("are exported whole and once, also many of one moment, while others are written", async () => {
    const many = Array.from({ length: 1_800 }, (_, index) =>
      entryOf({ at: index < 1_200 ? "2024-05-05T05:05:05Z" : "2024-05-05T05:05:06Z", billed: BigInt(index) }),
    );
    await running.entries.append(many);
    const response = await fetch(
      `${running.url}/spend/logs?start_date=2024-05-01&end_date=2024-05-31&summarize=false`,
      { headers: { authorization: "Bearer sk-master-key-of-the-gateway-0001" } },
    );
    await running.entries.append([entryOf({ id: "late/1", at: "2024-05-20T00:00:00Z" })]);
    const rows = (await response.json()) as readonly Row[];
    const found = new Set(rows.map(({ request_id: id }) => id));
    expect(rows.length).toBe(found.size);
    expect(many.every(({ id }) => found.has(id))).toBe(true);
    const pages = new Set<string>();
    for (let page = 1; page <= 19; page++) {
      const query = `start_date=2024-05-05&end_date=2024-05-05&page_size=100&page=${page}`;
      const { body } = await running.get(`/spend/logs/ui?${query}`);
      expect(body.total).toBe(1_800);
      for (const { request_id: id } of body.data as readonly Row[]) pages.add(id);
    }
    expect(pages.size).toBe(1_800);
  });
});
