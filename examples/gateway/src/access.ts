import { hkdfSync } from "node:crypto";
import type { Plugin } from "@signalbox/kernel";
import { GatewayError, Secret } from "@signalbox/kernel";
import type { LoadedConfig } from "@signalbox/plugin-config";
import { checkMasterKey, isLoopback, openAccess } from "@signalbox/plugin-config/basics";
import type { KeysOptions } from "@signalbox/plugin-keys";
import type { Environment } from "./catalog.ts";
import type { StartOptions } from "./start.ts";

/** The variable for the key that may do everything. */
export const KEY_VARIABLE = "SIGNALBOX_MASTER_KEY";

/** The server's own secret, below which keys are kept; and LiteLLM's name for the like. */
export const SECRET_VARIABLES = ["SIGNALBOX_SECRET", "LITELLM_SALT_KEY"] as const;
const SECRET_BYTES = 32;

const DEPENDENT =
  "hashes of virtual keys depend on the first master key: with another one every key is unknown; " +
  "set SIGNALBOX_SECRET (openssl rand -hex 32) before you make keys, and it may change";

/** Who is let in. */
export interface Access {
  /** The first is the one that examples name. Empty: nobody needs a key. */
  readonly masterKeys: readonly Secret[];
  /** Variable that holds the first of them, or where else it stands. */
  readonly key?: { readonly variable: string; readonly file?: string };
  readonly warnings: readonly string[];
}

/** The file's keys, else the environment's, else this machine alone. */
export function accessOf(config: LoadedConfig | undefined, options: StartOptions, env: Environment): Access {
  const { host, config: file } = options;
  const masterKeys = config === undefined || config.masterKeys.length === 0 ? environmentKey(env) : config.masterKeys;
  if (masterKeys.length === 0) {
    if (isLoopback(host)) return { masterKeys, warnings: [] };
    throw new GatewayError(
      "option_invalid",
      `without a master key the gateway serves this machine only, and ${host} can be reached from others; ` +
        `set ${KEY_VARIABLE} (or general_settings.master_key in the configuration), or use --host 127.0.0.1`,
    );
  }
  const warnings = masterKeys.map((key) => checkMasterKey(key, host, config?.allowWeakMasterKey));
  const inFile = config !== undefined && config.masterKeys.length > 0;
  const literal = inFile && config.masterKeyVariable === undefined;
  return {
    masterKeys,
    key: {
      variable: (inFile ? config.masterKeyVariable : undefined) ?? KEY_VARIABLE,
      ...(literal && file !== undefined && { file }),
    },
    warnings: [...new Set(warnings.filter((warning) => warning !== undefined))],
  };
}

/** Virtual keys below the master keys; or nothing to check. `notes`: what the operator should know about it. */
export async function accessPlugin(
  { masterKeys }: Access,
  config: LoadedConfig | undefined,
  env: Environment,
): Promise<{ readonly plugin: Plugin; readonly notes: readonly string[] }> {
  const [first] = masterKeys;
  if (first === undefined) return { plugin: { name: "access", authenticator: openAccess() }, notes: [] };
  const { keys } = await import("@signalbox/plugin-keys");
  const own = ownSecret(env);
  return {
    plugin: keys({
      ...(config?.keys as Partial<KeysOptions> | undefined),
      masterKeys,
      pepper: own ?? derived(first, "signalbox: hashes of virtual keys"),
    }),
    notes: own === undefined ? [DEPENDENT] : [],
  };
}

function environmentKey(env: Environment): readonly Secret[] {
  const key = env[KEY_VARIABLE];
  if (key === undefined || key === "") return [];
  if (/^[\x21-\x7e]+$/.test(key)) return [new Secret(key)];
  throw new GatewayError("option_invalid", `${KEY_VARIABLE} must be printable characters without spaces`);
}

function ownSecret(env: Environment): Secret | undefined {
  const name = SECRET_VARIABLES.find((each) => env[each] !== undefined && env[each] !== "");
  if (name === undefined) return undefined;
  const secret = new Secret(env[name] as string);
  if (Buffer.byteLength(secret.reveal()) >= SECRET_BYTES) return secret;
  // LiteLLM asks nothing of its salt
  if (name === "LITELLM_SALT_KEY") return derived(secret, "signalbox: salt");
  throw new GatewayError(
    "option_invalid",
    `${name} must have at least ${SECRET_BYTES} bytes; make one with: openssl rand -hex 32`,
  );
}

/** HKDF-SHA-256: what comes out tells nothing of the secret. */
function derived(secret: Secret, purpose: string): Secret {
  return new Secret(Buffer.from(hkdfSync("sha256", secret.reveal(), "", purpose, SECRET_BYTES)).toString("hex"));
}
