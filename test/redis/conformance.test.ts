import { describe, it } from "vitest";
import { testLimitStore, testReservationStore, testSharedState } from "@signalbox/kernel/testkit";
import type { RedisPlugin } from "@signalbox/plugin-redis";
import { redis } from "@signalbox/plugin-redis";
import { redisUrl } from "../services/index.ts";
import { forget } from "./forget.ts";
import { NOTHING, opened } from "./opened.ts";
import { ownNamespace } from "./own-namespace.ts";

const runner = { describe, it };

describe("shared state in Redis", () => {
  testSharedState({
    runner,
    store: async () => {
      const namespace = ownNamespace();
      const url = await redisUrl();
      const plugins: RedisPlugin[] = [];
      return {
        open: async () => {
          const plugin = await opened({ url, namespace });
          plugins.push(plugin);
          return plugin.sharedState;
        },
        close: async () => {
          for (const plugin of plugins) await plugin.close?.();
        },
      };
    },
  });
});

describe("limits in Redis", () => {
  testLimitStore({
    runner,
    store: async () => {
      const namespace = ownNamespace();
      const url = await redisUrl();
      const plugins: RedisPlugin[] = [];
      return {
        open: async () => {
          const plugin = await opened({ url, namespace, timeoutMs: 2_000 });
          plugins.push(plugin);
          return plugin.limitStore;
        },
        close: async () => {
          for (const plugin of plugins) await plugin.close?.();
        },
      };
    },
  });
});

describe("reservations in Redis", () => {
  const namespaces = new WeakMap<object, string>();
  const open = async (namespace: string): Promise<RedisPlugin["reservationStore"]> => {
    const plugin = await opened({ url: await redisUrl(), namespace, timeoutMs: 2_000, rebuildAfterMs: 500 });
    const { reservationStore } = plugin;
    namespaces.set(reservationStore, namespace);
    await reservationStore.recover(NOTHING);
    return Object.assign(reservationStore, { close: async () => plugin.close?.() });
  };
  testReservationStore({
    runner,
    store: () => open(ownNamespace()),
    another: (store) => open(namespaces.get(store) as string),
    lose: (store) => forget(namespaces.get(store) as string),
    unreachable: () => redis({ port: 1, connectTimeoutMs: 100 }).reservationStore,
  });
});
