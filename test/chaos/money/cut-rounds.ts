import { setTimeout as sleep } from "node:timers/promises";
import type { Fault } from "./fault-proxy.ts";
import { FaultProxy } from "./fault-proxy.ts";
import type { Round } from "./round.ts";

const FAULTS: readonly Fault[] = ["cut", "late", "hole"];
const FAULT_MS = 2_500;
const CALM_MS = 2_500;

/** Every gateway reaches its stores through proxies of its own, which cut, delay and swallow in turn. */
export function connectionsSpoiled(): Round {
  const proxies: FaultProxy[] = [];
  const through = async (target: number): Promise<FaultProxy> => {
    const proxy = await FaultProxy.open(target);
    proxies.push(proxy);
    return proxy;
  };
  return {
    name: "connections_spoiled",
    about: "connections to Redis and PostgreSQL are cut, late, or swallow everything, for each gateway on its own",
    cap: 80_000_000,
    async through({ redis, postgres }) {
      const [near, far] = [await through(redis.port), await through(postgres.port)];
      return { redis: withPort(redis.url, near.port), database: withPort(postgres.url, far.port) };
    },
    async trouble() {
      for (let turn = 0; turn < FAULTS.length * 2; turn++) {
        await sleep(CALM_MS);
        const fault = FAULTS[turn % FAULTS.length] as Fault;
        // first some, then all of them
        const spoiled = proxies.filter((_, index) => turn >= FAULTS.length || index % 4 < 3);
        for (const proxy of spoiled) proxy.set(fault);
        await sleep(FAULT_MS);
        for (const proxy of spoiled) proxy.set("none");
      }
      await sleep(CALM_MS);
    },
    after: () => {
      for (const proxy of proxies) proxy.close();
    },
  };
}

function withPort(url: string, port: number): string {
  const changed = new URL(url);
  changed.port = String(port);
  return changed.href;
}
