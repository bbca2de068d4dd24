import type { Plugin } from "@signalbox/kernel";
import {
  DIRECTORY,
  ENTRY_STORE,
  GatewayError,
  GUARDRAILS,
  IdSource,
  LEDGER,
  MODEL_FACTS,
  MODEL_TABLE,
  PRICING,
  RECORD_STORE,
  TRANSPORT,
} from "@signalbox/kernel";
import { checkPepper } from "./auth/check-pepper.ts";
import { customerLayer } from "./auth/customer-layer.ts";
import { Identities } from "./auth/identity.ts";
import { KeyAuthenticator } from "./auth/key-authenticator.ts";
import { KeyHasher } from "./auth/key-hash.ts";
import { StoreGuard } from "./auth/store-guard.ts";
import { checkOptions } from "./check-options.ts";
import { SignUp } from "./jwt/sign-up.ts";
import { TokenIdentities } from "./jwt/token-identities.ts";
import { TokenVerifier } from "./jwt/verify-tokens.ts";
import type { KeysOptions } from "./options.ts";
import type { Collections } from "./records/collections.ts";
import { openCollections } from "./records/collections.ts";
import { Management } from "./routes/management.ts";
import { managementRoutes } from "./routes/management-routes.ts";
import { RecordDirectory } from "./routes/record-directory.ts";

/**
 * Virtual keys, kept by the gateway's record store, and the routes that manage them.
 *
 * ```ts
 * keys({ masterKeys: [new Secret(masterKey)], pepper: new Secret(pepper) })
 * ```
 *
 * @throws {GatewayError} `option_invalid`
 */
export function keys(options: KeysOptions): Plugin {
  const settings = checkOptions(options);
  const now = Date.now;
  const guard = new StoreGuard(settings.storeTimeoutMs, now);
  const hasher = new KeyHasher(settings.pepper);
  let identities: Identities | undefined;
  let verifier: TokenVerifier | undefined;
  let tokens: TokenIdentities | undefined;
  let management: Management | undefined;
  const authenticator = new KeyAuthenticator({
    hasher,
    masterKeys: settings.masterKeys,
    size: settings.cacheSize,
    now,
    identities: () => identities,
    tokens: () => tokens,
  });

  return {
    name: "keys",
    authenticator,
    layers: { admit: { layer: customerLayer(() => identities), order: "first", events: "pass" } },
    ...(settings.management && { routes: managementRoutes(() => management) }),
    async start(container) {
      if (!container.isRegistered(RECORD_STORE, true)) {
        throw new GatewayError(
          "plugin_requirement_missing",
          'plugin "keys" needs a record store; add a ledger plugin',
          {
            source: "keys",
          },
        );
      }
      const store = container.resolve(RECORD_STORE);
      await checkPepper(store, hasher, settings.replacePepper);
      const collections: Collections = await openCollections(store);
      const times = { ttlMs: settings.cacheTtlMs, maxAgeMs: settings.cacheMaxAgeMs, size: settings.cacheSize };
      const modelGroups = new Map(Object.entries(settings.modelGroups ?? {}));
      identities = new Identities(collections, { guard, times, now, modelGroups }, () => authenticator.changed());
      const ids = new IdSource();
      const { jwt, cacheSize: size } = settings;
      if (jwt !== undefined) {
        const { defaultInternalUserParams: users, defaultTeamParams: teams } = settings;
        const signUp = new SignUp({ collections, guard, nextId: () => ids.next(), users, teams });
        verifier = await TokenVerifier.create(jwt, container.resolve(TRANSPORT), now);
        tokens = new TokenIdentities({ options: jwt, verifier, identities, signUp, now, size });
      }
      management = new Management({
        collections,
        identities,
        hasher,
        identityOf: (principal) => authenticator.identityOf(principal),
        // a plugin that starts later may bring it
        ledger: () => (container.isRegistered(LEDGER, true) ? container.resolve(LEDGER) : undefined),
        nextId: () => ids.next(),
        policy: settings,
        surroundings: {
          models: container.resolve(MODEL_TABLE),
          facts: container.resolve(MODEL_FACTS),
          pricing: container.isRegistered(PRICING, true) ? container.resolve(PRICING) : undefined,
          entries: container.isRegistered(ENTRY_STORE, true) ? container.resolve(ENTRY_STORE) : undefined,
          settings: {
            fields: new Set(["guardrails", "disable_global_guardrails", "permissions", "allowed_cache_controls"]),
            guardrails: container.resolve(GUARDRAILS).map(({ name }) => name),
          },
        },
      });
      container.register(DIRECTORY, { useValue: new RecordDirectory(management) });
    },
    check() {
      const failures = guard.ok ? [] : ["the store of keys does not answer"];
      failures.push(...(verifier?.failures ?? []));
      return failures.length === 0 ? { ok: true } : { ok: false, detail: failures.join("; ") };
    },
    close() {
      identities?.close();
    },
  };
}
