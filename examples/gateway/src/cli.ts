import { readFileSync } from "node:fs";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import type { StartOptions } from "./start.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const USAGE_ERROR = 2;

/**
 * The command line. Answers the exit code of a command that is over; a gateway that has started keeps the process
 * alive and ends it on a signal.
 */
export async function run(args: readonly string[], env: Environment): Promise<number> {
  let code = 0;
  const program = command(async (options) => {
    // Help and usage errors need none of the gateway.
    const { startGateway } = await import("./start.ts");
    code = await startGateway(options, env);
  });
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has written its message; help and version end with 0.
    return error.exitCode === 0 ? 0 : USAGE_ERROR;
  }
  return code;
}

function version(): string {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}

function command(action: (options: StartOptions) => Promise<void>): Command {
  return new Command("signalbox")
    .description("An LLM gateway: one address for many models of many providers.")
    .version(version(), "--version", "print the version")
    .helpOption("--help", "print this help")
    .option("--config <file>", "YAML file with models and settings")
    .option("--port <number>", "port to listen on; 0 for any free one", portNumber, 4000)
    .option("--host <address>", "address to listen on; 0.0.0.0 for all", "127.0.0.1")
    .option("--model <provider/model>", "serve this model too (repeatable)", collect)
    .option("--data <directory>", 'where spend and keys are kept without a database; "memory" keeps nothing')
    .option("--wait-for-stores", "wait for a database or Redis that cannot be reached, instead of giving up")
    .addHelpText("after", HELP)
    .allowExcessArguments(false)
    .exitOverride()
    .action(async ({ model, ...options }: Omit<StartOptions, "models" | "version"> & { model?: readonly string[] }) => {
      await action({ ...options, models: model ?? [], version: version() });
    });
}

const HELP = `
Without a configuration the gateway serves mock models, and every provider whose key is in the environment
(OPENAI_API_KEY, ANTHROPIC_API_KEY, GROQ_API_KEY, …).

With SIGNALBOX_MASTER_KEY, or general_settings.master_key in the configuration, every request needs that key.
Without one the gateway serves this machine only.

With a key, spend and virtual keys are kept: in the database of DATABASE_URL (postgres://…), else in a SQLite file in
the data directory (--data, SIGNALBOX_DATA_DIR, ./signalbox-data). Several processes share limits and budgets through
REDIS_URL. SIGNALBOX_SECRET is what hashes of keys depend on.

A configuration also turns on caches (litellm_settings.cache), guardrails, tokens of identity providers
(general_settings.enable_jwt_auth) and prompt caching of providers (cache_control_injection_points of a model).
examples/gateway/config.example.yaml has every area once.`;

function portNumber(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError("It must be a number from 0 to 65535.");
}

function collect(model: string, models: readonly string[] = []): readonly string[] {
  return [...models, model];
}
