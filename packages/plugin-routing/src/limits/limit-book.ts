import type { Call, Deployment, ModelTable, Outcome, SharedState } from "@signalbox/kernel";
import type { Claim, Limited } from "./deployment-meter.ts";
import { DeploymentMeter } from "./deployment-meter.ts";

const UNLIMITED = "unlimited";

/** What limits there are among some deployments. */
export interface LimitedGroup {
  readonly limited: boolean;
  /** Some of them are of tokens. */
  readonly tokens: boolean;
}

/** The limits of all deployments, and what calls have claimed of them. */
export class LimitBook {
  readonly #state: SharedState;
  readonly #defaultMaxParallel: number | undefined;
  readonly #now: () => number;
  /** By id: a wildcard deployment has one meter, whatever names clients invent. */
  readonly #meters: Map<string, DeploymentMeter> = new Map();
  readonly #limits: WeakMap<Deployment, Limited | typeof UNLIMITED> = new WeakMap();
  readonly #groups: WeakMap<readonly Deployment[], LimitedGroup> = new WeakMap();
  /** Under which a call's own claims stand in its state. */
  readonly #key: symbol = Symbol("limits");

  constructor(state: SharedState, defaultMaxParallel: number | undefined, now: () => number) {
    this.#state = state;
    this.#defaultMaxParallel = defaultMaxParallel;
    this.#now = now;
  }

  /** Whether any of these has a limit, and one of tokens. */
  groupOf(candidates: readonly Deployment[]): LimitedGroup {
    let group = this.#groups.get(candidates);
    if (group === undefined) {
      group = {
        limited: candidates.some((candidate) => this.limitsOf(candidate) !== undefined),
        tokens: candidates.some(({ tpm }) => tpm !== undefined),
      };
      this.#groups.set(candidates, group);
    }
    return group;
  }

  limitsOf(deployment: Deployment): Limited | undefined {
    let limits = this.#limits.get(deployment);
    if (limits === undefined) {
      limits = this.#made(deployment);
      this.#limits.set(deployment, limits);
    }
    return limits === UNLIMITED ? undefined : limits;
  }

  claim(call: Call, place: Limited, tokens: number): Claim {
    const claim = place.meter.claim(place, tokens, this.#now());
    const claims = this.#claims(call);
    if (claims === undefined) call.state.set(this.#key, [claim]);
    else claims.push(claim);
    return claim;
  }

  /** A claim of the call on this deployment whose attempt has begun, or has not. */
  find(call: Call, { meter }: Limited, begun: boolean): Claim | undefined {
    return this.#claims(call)?.find((claim) => claim.begun === begun && claim.limited.meter === meter);
  }

  /** @param outcome undefined: there was no attempt */
  giveBack(call: Call, claim: Claim, outcome?: Outcome): void {
    const claims = this.#claims(call);
    const at = claims?.indexOf(claim) ?? -1;
    if (at < 0) return;
    claims?.splice(at, 1);
    claim.limited.meter.giveBack(claim, outcome, this.#now());
  }

  /** Forgets deployments that are no longer there. One that still answers is forgotten the next time. */
  keepOnly(models: ModelTable): void {
    const ids = new Set(models.all().map(({ id }) => id));
    for (const [id, meter] of this.#meters) if (!ids.has(id) && meter.isIdle) this.#meters.delete(id);
  }

  #claims(call: Call): Claim[] | undefined {
    return call.state.get(this.#key) as Claim[] | undefined;
  }

  #made(deployment: Deployment): Limited | typeof UNLIMITED {
    const { id, rpm, tpm, maxParallel = this.#defaultMaxParallel } = deployment;
    if (rpm === undefined && tpm === undefined && maxParallel === undefined) return UNLIMITED;
    let meter = this.#meters.get(id);
    if (meter === undefined) {
      meter = new DeploymentMeter(this.#state, id);
      this.#meters.set(id, meter);
    }
    return { deployment, meter, rpm, tpm, maxParallel };
  }
}
