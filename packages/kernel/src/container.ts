import "reflect-metadata";
import type { DependencyContainer, InjectionToken } from "tsyringe";
import { container as root } from "tsyringe";
import type { Authenticator } from "./authenticator.ts";
import type { Cache } from "./cache/cache.ts";
import type { Deployment, ModelTable } from "./deployment.ts";
import type { Directory } from "./directory.ts";
import type { Gateway } from "./gateway.ts";
import type { Guardrail } from "./guardrail.ts";
import type { Ledger } from "./ledger.ts";
import type { EntryStore, ReservationStore } from "./ledger-stores.ts";
import type { LimitStore } from "./limit-store.ts";
import type { ModelFacts } from "./model-facts.ts";
import type { Pricing } from "./pricing.ts";
import type { RecordStore } from "./record-store.ts";
import type { Router } from "./router.ts";
import type { SharedState } from "./state/shared-state.ts";
import type { Strategy } from "./strategy.ts";
import type { Transport } from "./transport.ts";

/** Container token: who is calling. */
// The contracts an application or a plugin can replace. Registered under symbols, so that two copies of this package
// agree; resolved once, when the gateway starts.
export const AUTHENTICATOR: InjectionToken<Authenticator> = Symbol.for("@signalbox/kernel.Authenticator");
/** Container token: where replies are kept and found. */
export const CACHE: InjectionToken<Cache> = Symbol.for("@signalbox/kernel.Cache");
/** Container token: where usage and cost are booked. */
export const LEDGER: InjectionToken<Ledger> = Symbol.for("@signalbox/kernel.Ledger");
/** Container token: which deployments serve a model. Registered by the gateway itself. */
export const MODEL_TABLE: InjectionToken<ModelTable> = Symbol.for("@signalbox/kernel.ModelTable");
/** Container token: what is known about a deployment's model. Registered by the gateway itself, before plugins start. */
export const MODEL_FACTS: InjectionToken<(deployment: Deployment) => ModelFacts> =
  Symbol.for("@signalbox/kernel.ModelFacts");
/** Container token: which deployments to try, in order. */
export const ROUTER: InjectionToken<Router> = Symbol.for("@signalbox/kernel.Router");
/** Container token: what the processes of a gateway tell each other. */
export const SHARED_STATE: InjectionToken<SharedState> = Symbol.for("@signalbox/kernel.SharedState");
/** Container token: in which order the deployments of a model are tried. */
export const STRATEGY: InjectionToken<Strategy> = Symbol.for("@signalbox/kernel.Strategy");
/** Container token: what models cost. */
export const PRICING: InjectionToken<Pricing> = Symbol.for("@signalbox/kernel.Pricing");
/** Container token: where requests, tokens and calls in flight are counted. */
export const LIMIT_STORE: InjectionToken<LimitStore> = Symbol.for("@signalbox/kernel.LimitStore");
/** Container token: the counters behind budgets. */
export const RESERVATION_STORE: InjectionToken<ReservationStore> = Symbol.for("@signalbox/kernel.ReservationStore");
/** Container token: where entries of the ledger are kept for good. */
export const ENTRY_STORE: InjectionToken<EntryStore> = Symbol.for("@signalbox/kernel.EntryStore");
/** Container token: where keys, teams and the like are kept. */
export const RECORD_STORE: InjectionToken<RecordStore> = Symbol.for("@signalbox/kernel.RecordStore");
/** Container token: who is who, and who may see whose spend. */
export const DIRECTORY: InjectionToken<Directory> = Symbol.for("@signalbox/kernel.Directory");
/** Container token: all guardrails, in the order in which they run. Registered by the gateway, before plugins start. */
export const GUARDRAILS: InjectionToken<readonly Guardrail[]> = Symbol.for("@signalbox/kernel.Guardrails");
/** Container token: opens a call at the gateway itself, for plugins that ask models. Registered by the gateway. */
export const OPEN_CALL: InjectionToken<Gateway["open"]> = Symbol.for("@signalbox/kernel.OpenCall");
/** Container token: how requests travel to providers. */
export const TRANSPORT: InjectionToken<Transport> = Symbol.for("@signalbox/kernel.Transport");

/** A container for one gateway. Its parent is the application's, never the global one of tsyringe. */
export function gatewayContainer(parent: DependencyContainer | undefined): DependencyContainer {
  return (parent ?? root).createChildContainer();
}

/** What is registered here or above, or undefined. */
export function resolveOptional<T>(container: DependencyContainer, token: InjectionToken<T>): T | undefined {
  return container.isRegistered(token, true) ? container.resolve(token) : undefined;
}

/** Registers a default: what the application's container already has stays. */
export function registerDefault<T>(container: DependencyContainer, token: InjectionToken<T>, value: T): void {
  if (!container.isRegistered(token, true)) container.register(token, { useValue: value });
}
