// One of several gateways that share a Redis and a PostgreSQL, and have a spool each.

import { listen } from "@signalbox/express/node";
import type { AttemptLayer } from "@signalbox/kernel";
import { createGateway, GatewayError, Secret } from "@signalbox/kernel";
import { budgets } from "@signalbox/plugin-budgets";
import { postgresLedger } from "@signalbox/plugin-ledger-postgres";
import { limits } from "@signalbox/plugin-limits";
import { pricing } from "@signalbox/plugin-pricing";
import { redis } from "@signalbox/plugin-redis";
import { openai, openaiDialects } from "@signalbox/provider-openai";
import { answer, ready } from "../../probe.ts";
import type { Caps, GatewayTask } from "../money/plan.ts";
import { callers, gatewayRules } from "../money/plan.ts";

const task = JSON.parse(process.argv[2] ?? "") as GatewayTask;
const caps = Object.fromEntries(
  Object.entries(task.caps).map(([name, nano]) => [name, BigInt(nano)]),
) as unknown as Caps;
const principals = callers(caps);

/** The upstream is told which attempt it serves, so that its bill can be compared row by row. */
const named: AttemptLayer = (attempt, next) => {
  const headers = { ...attempt.deployment.headers, "x-attempt": `${attempt.id}/${attempt.ordinal}` };
  return next({ ...attempt, deployment: { ...attempt.deployment, headers } });
};

const gateway = await createGateway({
  plugins: [
    {
      name: "vendors",
      providers: [openai()],
      dialects: openaiDialects(),
      layers: { attempt: { layer: named, order: "first", events: "pass" } },
      authenticator: {
        required: true,
        authenticate({ key = "" }) {
          const principal = principals[key];
          if (principal === undefined) throw new GatewayError("invalid_api_key", "who are you");
          return principal;
        },
      },
    },
    redis({ url: task.redis, namespace: task.name, timeoutMs: 1_000 }),
    postgresLedger({
      url: task.database,
      schema: task.name,
      spoolDirectory: task.spool,
      leaseMs: task.leaseMs,
      pool: 4,
      connectTimeoutMs: 5_000,
    }),
    pricing({ prices: { paid: { input_cost_per_token: 0.000001, output_cost_per_token: 0.000002 } } }),
    limits({ keys: { parallel: 2_000 } }),
    budgets({ budgets: gatewayRules(caps) }),
  ],
  deployments: [
    {
      id: "paid-1",
      model: "paid",
      provider: "openai",
      upstreamModel: "gpt-x",
      baseUrl: `${task.upstream}/v1`,
      apiKey: new Secret("sk-upstream"),
    },
  ],
});
const listener = await listen(gateway, { port: 0, host: "127.0.0.1" });

process.on("SIGTERM", async () => {
  await listener.close({ deadlineMs: task.drainMs });
  await gateway.close();
  process.exit(0);
});

answer("health", () => gateway.health());
answer("calls", () => gateway.activeCalls);
ready(Number(new URL(listener.url).port));
