import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestProject } from "vitest/node";
import { preparePostgres, startPostgres } from "./postgres.ts";
import { prepareRedis, startRedis } from "./redis.ts";
import type { Service } from "./service.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Where a test asks for a service by name; see index.ts. */
    services: string;
  }
}

/**
 * Serves the services to the tests over loopback, so that each one starts when the first test asks for it, at most
 * once, and not at all in a run that needs none. Missing servers are installed before the first test, because no
 * test's timeout should pay for that; a failure to do so is told to the test that asks.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const start: Record<string, () => Promise<Service>> = { postgres: () => startPostgres(), redis: startRedis };
  const started = new Map<string, Promise<Service>>();
  await Promise.allSettled([preparePostgres(), prepareRedis()]);

  const server = createServer(async (request, response) => {
    const name = (request.url ?? "").slice(1);
    try {
      let service = started.get(name);
      if (service === undefined) {
        if (start[name] === undefined) throw new Error(`no service is called ${JSON.stringify(name)}`);
        service = start[name]();
        started.set(name, service);
      }
      response.end((await service).url);
    } catch (error) {
      response.statusCode = 500;
      response.end(describe(error));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  project.provide("services", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);

  return async () => {
    server.closeAllConnections();
    server.close();
    const services = await Promise.allSettled(started.values());
    await Promise.all(services.map((result) => (result.status === "fulfilled" ? result.value.stop() : undefined)));
  };
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} (${describe(error.cause)})`;
}
