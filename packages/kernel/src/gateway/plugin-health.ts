import type { HealthReport } from "../gateway.ts";
import type { Health, Plugin } from "../plugin.ts";

const CHECK_TIMEOUT_MS = 1_000;

/** What the plugins say of what they depend on. One that does not answer in time is not well. */
export async function pluginHealth(plugins: readonly Plugin[]): Promise<HealthReport> {
  const components = await Promise.all(
    plugins
      .filter((plugin) => plugin.check !== undefined)
      .map(async (plugin) => ({ name: plugin.name, ...(await checked(plugin)) })),
  );
  return { ok: components.every(({ ok }) => ok), components };
}

async function checked(plugin: Plugin): Promise<Health> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Health>((resolve) => {
    timer = setTimeout(() => resolve({ ok: false, detail: "no answer within a second" }), CHECK_TIMEOUT_MS);
  });
  try {
    return await Promise.race([Promise.resolve(plugin.check?.() ?? { ok: true }), late]);
  } catch {
    // What a failing check throws may hold addresses and credentials.
    return { ok: false, detail: "the check failed" };
  } finally {
    clearTimeout(timer);
  }
}
