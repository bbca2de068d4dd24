import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SpendGateway } from "./spend-gateway.ts";
import { STORES, someEntries, spendGateway } from "./spend-gateway.ts";

const NOVEMBER = "start_date=2026-11-01&end_date=2026-11-30";

describe.each(STORES)("reports over %s", (store) => {
  let running: SpendGateway;
  beforeAll(async () => {
    running = await spendGateway(store);
    await running.entries.append(someEntries(running));
  });
  afterAll(() => running.close());

  it("tell what everything has cost, and the gateway's budget", async () => {
    expect((await running.get("/global/spend")).body).toEqual({
      spend: 3.750000004,
      spend_nano: "3750000004",
      max_budget: 100,
      budget_duration: "1mo",
    });
  });

  it("tell what days have cost, in days of a zone", async () => {
    const { body } = await running.get(`/global/spend/logs?${NOVEMBER}`);
    expect(body).toEqual([
      { date: "2026-11-18", spend: 1.5, spend_nano: "1500000000" },
      { date: "2026-11-19", spend: 0.250000004, spend_nano: "250000004" },
      { date: "2026-11-20", spend: 2, spend_nano: "2000000000" },
    ]);
    const local = await running.get(`/global/spend/logs?${NOVEMBER}&timezone=Africa/Johannesburg`);
    expect(local.body.map((row: Record<string, unknown>) => [row["date"], row["spend_nano"]])).toEqual([
      ["2026-11-18", "1500000000"],
      ["2026-11-19", "3"],
      ["2026-11-20", "2250000001"],
    ]);
    const day = await running.get("/global/spend/logs?start_date=2026-11-19&end_date=2026-11-19");
    expect(day.body).toEqual([{ date: "2026-11-19", spend: 0.250000004, spend_nano: "250000004" }]);
    const ofKey = await running.get(`/global/spend/logs?api_key=${running.ids.bob}`);
    expect(ofKey.body.map((row: Record<string, unknown>) => row["spend_nano"])).toEqual(["3", "2000000000"]);
  });

  it("tell who and what has cost most", async () => {
    const rows = async (path: string): Promise<unknown> => (await running.get(`${path}?${NOVEMBER}`)).body;
    expect(await rows("/global/spend/keys")).toEqual([
      {
        api_key: running.ids.bob,
        key_alias: null,
        key_name: expect.stringMatching(/^sk-\.\.\./),
        total_spend: 2.000000003,
        total_spend_nano: "2000000003",
      },
      {
        api_key: running.ids.ada,
        key_alias: "ada's",
        key_name: expect.stringMatching(/^sk-\.\.\./),
        total_spend: 1.750000001,
        total_spend_nano: "1750000001",
      },
      { api_key: "master", key_alias: null, key_name: null, total_spend: 0, total_spend_nano: "0" },
    ]);
    expect(await rows("/global/spend/models")).toEqual([
      { model: "gpt-4o", total_spend: 3.500000003, total_spend_nano: "3500000003" },
      { model: "claude", total_spend: 0.250000001, total_spend_nano: "250000001" },
    ]);
    expect((await running.get(`/global/spend/models?limit=1&${NOVEMBER}`)).body).toHaveLength(1);
    expect(await rows("/global/spend/provider")).toMatchObject([
      { provider: "openai", spend: 3.500000003 },
      { provider: "anthropic", spend: 0.250000001 },
    ]);
    expect(await rows("/global/spend/tags")).toEqual({
      spend_per_tag: [
        { name: "x", spend: 3.500000003, spend_nano: "3500000003", log_count: 3 },
        { name: "y", spend: 0.000000003, spend_nano: "3", log_count: 1 },
      ],
    });
    expect(await rows("/spend/tags")).toMatchObject([
      { individual_request_tag: "x", log_count: 3, total_spend: 3.500000003 },
      { individual_request_tag: "y", log_count: 1, total_spend: 0.000000003 },
    ]);
    expect((await running.get(`/global/spend/tags?tags=y,z&${NOVEMBER}`)).body.spend_per_tag).toHaveLength(1);
    expect(await rows("/global/spend/all_tag_names")).toEqual({ tag_names: ["x", "y"] });
    expect(await rows("/global/all_end_users")).toEqual({ end_users: ["c-1", "c-2"] });
    expect(await rows("/spend/users")).toMatchObject([
      {
        user_id: "bob",
        cache_savings: -0.000012,
        spend_nano: "2000000003",
        api_requests: 2,
        failed_requests: 1,
        total_tokens: 57,
      },
      {
        user_id: "ada",
        cache_savings_nano: "1080000",
        spend_nano: "1750000001",
        cache_read_input_tokens: 400,
        successful_requests: 2,
      },
    ]);
    expect((await running.get(`/spend/users?user_id=ada&${NOVEMBER}`)).body).toMatchObject([{ user_id: "ada" }]);
    expect((await running.get(`/spend/keys?team_id=red&${NOVEMBER}`)).body).toMatchObject([
      {
        api_key: running.ids.ada,
        spend: 1.750000001,
        currency: "ZAR",
        exchange_rate: "17.25",
        exchange_date: "2026-11-19",
      },
    ]);
    expect((await running.post("/global/spend/end_users", { api_key: running.ids.ada })).body).toEqual([
      { end_user: "c-1", total_count: 1, total_spend: 1.5, total_spend_nano: "1500000000" },
    ]);
  });

  it("tell what teams have spent", async () => {
    expect((await running.get(`/global/spend/teams?${NOVEMBER}`)).body).toEqual({
      daily_spend: [
        { date: "2026-11-18", "Red team": 1.5 },
        { date: "2026-11-19", "Red team": 0.250000001, blue: 0.000000003 },
        { date: "2026-11-20", blue: 2 },
      ],
      teams: ["blue", "Red team"],
      total_spend_per_team: [
        { team_id: "blue", name: "blue", total_spend: 2.000000003, total_spend_nano: "2000000003" },
        { team_id: "red", name: "Red team", total_spend: 1.750000001, total_spend_nano: "1750000001" },
      ],
    });
    const { body } = await running.get(`/global/spend/report?${NOVEMBER}&group_by=team`);
    expect(body).toHaveLength(3);
    expect(body[1]).toEqual({
      group_by_day: "2026-11-19",
      teams: [
        {
          team_id: "red",
          team_name: "Red team",
          total_spend: 0.250000001,
          total_spend_nano: "250000001",
          metadata: [
            {
              model: "claude",
              api_key: running.ids.ada,
              spend: 0.250000001,
              spend_nano: "250000001",
              cache_savings: 0.00108,
              cache_savings_nano: "1080000",
              total_tokens: 1_010,
            },
          ],
        },
        {
          team_id: "blue",
          team_name: "blue",
          total_spend: 0.000000003,
          total_spend_nano: "3",
          metadata: [
            expect.objectContaining({ model: "gpt-4o", api_key: running.ids.bob, spend_nano: "3", total_tokens: 7 }),
          ],
        },
      ],
    });
    const customers = await running.get(`/global/spend/report?${NOVEMBER}&group_by=customer&customer_id=c-1`);
    expect(customers.body).toMatchObject([
      { group_by_day: "2026-11-18", customers: [{ customer_id: "c-1", total_spend: 1.5 }] },
    ]);
    const keys = await running.get(`/global/spend/report?${NOVEMBER}&group_by=api_key&api_key=${running.ids.ada}`);
    expect(keys.body).toEqual([
      {
        api_key: running.ids.ada,
        key_alias: "ada's",
        total_cost: 1.750000001,
        total_cost_nano: "1750000001",
        total_cache_savings: 0.00108,
        total_cache_savings_nano: "1080000",
        total_input_tokens: 1_100,
        total_output_tokens: 60,
        model_details: [
          {
            model: "gpt-4o",
            total_cost: 1.5,
            total_cost_nano: "1500000000",
            total_input_tokens: 100,
            total_output_tokens: 50,
          },
          {
            model: "claude",
            total_cost: 0.250000001,
            total_cost_nano: "250000001",
            total_input_tokens: 1_000,
            total_output_tokens: 10,
          },
        ],
      },
    ]);
  });

  it("tell how much was asked, and what failed", async () => {
    expect((await running.get(`/global/activity?${NOVEMBER}`)).body).toEqual({
      daily_data: [
        { date: "2026-11-18", api_requests: 1, total_tokens: 150 },
        { date: "2026-11-19", api_requests: 2, total_tokens: 1_017 },
        { date: "2026-11-20", api_requests: 2, total_tokens: 50 },
      ],
      sum_api_requests: 5,
      sum_total_tokens: 1_217,
    });
    expect((await running.get(`/global/activity/model?${NOVEMBER}&model_group=claude`)).body).toEqual([
      {
        model: "claude",
        daily_data: [{ date: "2026-11-19", api_requests: 1, total_tokens: 1_010 }],
        sum_api_requests: 1,
        sum_total_tokens: 1_010,
      },
    ]);
    expect((await running.get(`/global/activity/cache_hits?${NOVEMBER}`)).body).toEqual({
      daily_data: [
        { date: "2026-11-18", cache_hits: 0, cache_misses: 1 },
        { date: "2026-11-19", cache_hits: 0, cache_misses: 2 },
        { date: "2026-11-20", cache_hits: 1, cache_misses: 1 },
      ],
      sum_cache_hits: 1,
      sum_cache_misses: 4,
    });
    expect((await running.get(`/global/activity/exceptions?${NOVEMBER}`)).body).toMatchObject({
      sum_num_exceptions: 1,
    });
    expect((await running.get(`/global/activity/exceptions/deployment?${NOVEMBER}`)).body).toMatchObject([
      { api_base: "d-1", sum_num_exceptions: 1 },
      { api_base: "d-9", sum_num_exceptions: 0 },
    ]);
    expect((await running.get("/provider/budgets")).body).toEqual({
      providers: {
        openai: {
          budget_limit: 5,
          time_period: "1d",
          spend: 2,
          spend_nano: "2000000000",
          budget_reset_at: "2026-11-21T00:00:00.000Z",
        },
      },
    });
  });

  it("tell the daily activity of teams, taken apart", async () => {
    const { body } = await running.get(`/team/daily/activity?${NOVEMBER}&team_ids=red`);
    expect(body.results.map(({ date }: { readonly date: string }) => date)).toEqual(["2026-11-19", "2026-11-18"]);
    const metrics = {
      spend: 0.250000001,
      spend_nano: "250000001",
      spend_in_currency: 4.312500018,
      currency: "ZAR",
      exchange_rate: "17.25",
      exchange_date: "2026-11-19",
      cache_savings: 0.00108,
      cache_savings_nano: "1080000",
      cache_savings_in_currency: 0.01863,
      prompt_tokens: 1_000,
      completion_tokens: 10,
      cache_read_input_tokens: 400,
      cache_creation_input_tokens: 0,
      total_tokens: 1_010,
      successful_requests: 1,
      failed_requests: 0,
      api_requests: 1,
    };
    expect(body.results[0]).toEqual({
      date: "2026-11-19",
      metrics,
      breakdown: {
        models: { claude: { metrics, metadata: {} } },
        model_groups: { claude: { metrics, metadata: {} } },
        providers: { anthropic: { metrics, metadata: {} } },
        endpoints: { chat: { metrics, metadata: {} } },
        api_keys: { [running.ids.ada]: { metrics, metadata: { key_alias: "ada's" } } },
        mcp_servers: {},
        entities: { red: { metrics, metadata: { alias: "Red team" } } },
      },
    });
    expect(body.results[1].metrics).toMatchObject({ spend: 1.5, spend_in_currency: 27, exchange_date: "2026-01-01" });
    expect(body.metadata).toMatchObject({
      total_spend: 1.750000001,
      total_spend_nano: "1750000001",
      total_cache_savings_nano: "1080000",
      total_tokens: 1_160,
      total_api_requests: 2,
      page: 1,
      total_pages: 1,
      has_more: false,
    });
  });

  it("tell the daily activity page by page, and of all kinds", async () => {
    const first = await running.get(`/user/daily/activity?${NOVEMBER}&page_size=2`);
    expect(first.body.results.map(({ date }: { readonly date: string }) => date)).toEqual(["2026-11-20", "2026-11-19"]);
    expect(first.body.metadata).toMatchObject({ page: 1, total_pages: 2, has_more: true, total_api_requests: 5 });
    const second = await running.get(`/user/daily/activity?${NOVEMBER}&page_size=2&page=2`);
    expect(second.body.results.map(({ date }: { readonly date: string }) => date)).toEqual(["2026-11-18"]);
    const all = await running.get(`/user/daily/activity/aggregated?${NOVEMBER}`);
    expect(all.body.results).toHaveLength(3);
    const tags = await running.get(`/tag/daily/activity?${NOVEMBER}&tags=x,y`);
    expect(tags.body.results[1]).toMatchObject({
      date: "2026-11-19",
      breakdown: { entities: { x: { metrics: { failed_requests: 1 } }, y: { metrics: { spend_nano: "3" } } } },
    });
    const customers = await running.get(`/customer/daily/activity?${NOVEMBER}`);
    expect(customers.body.metadata).toMatchObject({ total_spend: 1.500000003, total_api_requests: 2 });
    const model = await running.get(`/organization/daily/activity?${NOVEMBER}&model=claude`);
    expect(model.body).toMatchObject({ results: [], metadata: { total_spend: 0, total_pages: 0, has_more: false } });
    const ofKey = await running.get(`/user/daily/activity?${NOVEMBER}&api_key=${running.keys.bob}&model=gpt-4o`);
    expect(ofKey.body.metadata).toMatchObject({ total_spend: 2.000000003, total_failed_requests: 1 });
  });

  it("tell what something would cost", async () => {
    const estimate = { model: "gpt-4o", input_tokens: 1_000, output_tokens: 500, num_requests_per_day: 10 };
    expect((await running.post("/cost/estimate", estimate)).body).toMatchObject({
      cost_per_request: 0.00825,
      cost_per_request_nano: "8250000",
      input_cost_per_request: 0.0025,
      output_cost_per_request: 0.005,
      margin_cost_per_request: 0.00075,
      daily_cost: 0.0825,
      monthly_cost: null,
      prices: [
        { kind: "input", usd_per_unit: "0.0000025" },
        { kind: "output", usd_per_unit: "0.00001" },
      ],
      provider: "mock",
    });
    const answer = { model: "gpt-4o", usage: { prompt_tokens: 10, completion_tokens: 20 } };
    expect((await running.post("/spend/calculate", { completion_response: answer })).body).toEqual({
      cost: 0.0002475,
      cost_nano: "247500",
    });
    const messages = [{ role: "user", content: "x".repeat(400) }];
    expect((await running.post("/spend/calculate", { model: "gpt-4o", messages })).body.cost).toBe(0.000275);
    expect((await running.post("/spend/calculate", { model: "gpt-4o" })).body.error.param).toBe("messages");
    const none = await running.post("/spend/calculate", { model: "nothing", messages });
    expect([none.status, none.body.error.code]).toEqual([404, "model_not_found"]);
    const forbidden = await running.post("/spend/calculate", { model: "unpriced", messages }, running.keys.ada);
    expect([forbidden.status, forbidden.body.error.code]).toEqual([403, "model_not_allowed"]);
  });

  it("answer ranges without entries with nothing", async () => {
    const empty = "start_date=2025-01-01&end_date=2025-01-31";
    for (const [path, body] of [
      ["/spend/logs", []],
      ["/spend/keys", []],
      ["/global/spend/logs", []],
      ["/global/spend/report", []],
      ["/global/spend/tags", { spend_per_tag: [] }],
      ["/global/activity", { daily_data: [], sum_api_requests: 0, sum_total_tokens: 0 }],
      ["/spend/logs/ui", { data: [], total: 0, page: 1, page_size: 50, total_pages: 0 }],
    ] as const) {
      expect((await running.get(`${path}?${empty}`)).body, path).toEqual(body);
    }
  });

  it("refuse what they do not understand, and name the field", async () => {
    for (const [path, code, param] of [
      ["/global/activity?start_date=2026-02-30", "invalid_request", "start_date"],
      ["/global/activity?end_date=yesterday", "invalid_request", "end_date"],
      ["/global/activity?start_date=2026-11-20&end_date=2026-11-19", "invalid_request", "end_date"],
      ["/global/activity?start_date=2026-12-20", "invalid_request", "start_date"],
      ["/global/activity?start_date=1990-01-01", "invalid_request", "start_date"],
      ["/global/activity?timezone=Mars/Olympus", "invalid_request", "timezone"],
      ["/global/activity?start_dat=2026-11-01", "unknown_field", "start_dat"],
      ["/spend/logs/ui?min_spend=-1", "invalid_request", "min_spend"],
      ["/spend/logs/ui?page=0", "invalid_request", "page"],
      ["/spend/logs/ui?sort_by=spend&page=1000", "invalid_request", "page"],
      ["/spend/logs/ui?sort_by=drop", "invalid_request", "sort_by"],
      ["/spend/keys?currency=EUR", "invalid_request", "currency"],
      ["/spend/keys?currency=rand", "invalid_request", "currency"],
      ["/global/spend?format=csv", "unknown_field", "format"],
      ["/spend/keys?format=xml", "invalid_request", "format"],
      ["/spend/keys?limit=1&limit=2", "invalid_request", "limit"],
    ]) {
      const { status, body } = await running.get(path as string);
      expect([status, body.error?.code, body.error?.param], path).toEqual([400, code, param]);
    }
  });

  it("are described beside the other management routes", async () => {
    const { body } = await running.get("/openapi.json");
    expect(body.paths["/global/spend/report"].get.parameters).toContainEqual({
      name: "group_by",
      in: "query",
      required: false,
      schema: expect.objectContaining({ enum: ["team", "customer", "api_key", "user", "organization"] }),
    });
    expect(body.paths["/cost/estimate"].post.requestBody.content["application/json"].schema.required).toEqual([
      "model",
      "input_tokens",
      "output_tokens",
    ]);
    expect(body.paths["/key/generate"].post.summary).toBeTypeOf("string");
  });
});
