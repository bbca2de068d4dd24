import type {
  AttemptWatcher,
  Call,
  Deployment,
  ErrorCode,
  GatewayError,
  ModelTable,
  Outcome,
  RouterParts,
} from "@signalbox/kernel";
import type { Clock } from "./clock.ts";
import { SYSTEM_CLOCK } from "./clock.ts";
import { CAUSES, skipCode } from "./cooldown-causes.ts";
import type { CooldownOptions } from "./cooldown-options.ts";
import type { CooldownSettings } from "./cooldown-rules.ts";
import {
  causeOf,
  cooldownMs,
  cooldownSettings,
  countFailure,
  failureWords,
  HEALTHY_PERIOD_MS,
  isClientError,
  isFailure,
  SUCCESS,
  saidBy,
  wasImpatient,
} from "./cooldown-rules.ts";
import type { DeploymentHealth } from "./deployment-health.ts";
import type { DeploymentState } from "./deployment-state.ts";
import { HealthRegister } from "./health-register.ts";
import { SharedCooldowns } from "./shared-cooldowns.ts";

/** Knows which deployments may be tried. One per gateway. */
export interface HealthBoard extends AttemptWatcher {
  /**
   * Those that may be tried now; the others are noted in the trace with code and waiting time. The same array when all
   * may, and the same shorter array as long as nothing changes.
   */
  usable(call: Call, deployments: readonly Deployment[]): readonly Deployment[];
  /** Whether this one may be tried now: `usable`, asked again just before a later try. Notes nothing. */
  mayTry(deployment: Deployment): boolean;
  /** It failed when it was tried last, and has not answered since. */
  failing(deployment: Deployment): boolean;
  /**
   * It would be left out, if not too many others of its model were: to be tried only when nothing else is left. From
   * time to time one call is let through to find out whether it answers again.
   */
  lastResort(deployment: Deployment): boolean;
  /** Every deployment's state, in listed order. */
  states(): readonly DeploymentState[];
  /** A health check's outcome: a success ends an ejection, a failure counts like a call's. */
  probed(deploymentId: string, durationMs: number, error?: GatewayError): void;
  /** No longer listens to other processes. */
  close(): void;
}

/** A probing call that has not ended by then does not keep others from probing. */
const PROBE_MS = 60_000;
/** What is told to a call that comes while another one is probing. */
const PROBE_RETRY_AFTER_MS = 1_000;
/** A rate limit that was told again is worth telling others when it lasts so much longer. */
const EXTENSION_MS = 100;

/** What was found out about one array of deployments. */
interface Sight {
  readonly revision: number;
  /** When somebody may be tried again who may not now. */
  readonly until: number;
  readonly usable: readonly Deployment[];
  readonly out: readonly DeploymentHealth[];
}

class Board implements HealthBoard {
  readonly #settings: CooldownSettings;
  readonly #register: HealthRegister;
  readonly #clock: Clock;
  readonly #unwatch: () => void;
  /** Tables hand out the same arrays again and again. */
  readonly #sights = new WeakMap<readonly Deployment[], Sight>();

  constructor(options: CooldownOptions, models: ModelTable, parts: Pick<RouterParts, "state">, clock: Clock) {
    const shared = new SharedCooldowns(parts.state);
    const register = new HealthRegister(models, cooldownSettings(options), shared, clock);
    this.#settings = cooldownSettings(options);
    this.#register = register;
    this.#clock = clock;
    register.sync();
    this.#unwatch = shared.watch((id, cooldown) => register.adopt(id, cooldown));
  }

  usable(call: Call, deployments: readonly Deployment[]): readonly Deployment[] {
    const register = this.#register;
    register.sync();
    if (register.out === 0) return deployments;
    const now = this.#clock.now();
    let sight = this.#sights.get(deployments);
    if (sight === undefined || sight.revision !== register.revision || now >= sight.until) {
      sight = this.#look(deployments, sight, now);
      this.#sights.set(deployments, sight);
    }
    for (const record of sight.out) skip(call, record, now);
    return sight.usable;
  }

  mayTry(deployment: Deployment): boolean {
    this.#register.sync();
    if (this.#register.out === 0) return true;
    return this.#register.get(deployment.id)?.mayTry(this.#clock.now()) ?? true;
  }

  failing(deployment: Deployment): boolean {
    return (this.#register.get(deployment.id)?.consecutiveFailures ?? 0) > 0;
  }

  lastResort(deployment: Deployment): boolean {
    // whoever is kept for this reason is kept because others are out
    if (this.#register.out === 0) return false;
    return this.#register.get(deployment.id)?.isLastResort(this.#clock.now()) ?? false;
  }

  states(): readonly DeploymentState[] {
    const now = this.#clock.now();
    const toEpoch = this.#clock.epochMs() - now;
    return [...this.#register.all()].map((record) => {
      this.#settle(record, now);
      return record.describe(now, toEpoch);
    });
  }

  begin(deployment: Deployment, call: Call): void {
    const record = this.#register.get(deployment.id);
    if (record === undefined) return;
    record.inFlight += 1;
    if (!record.out && record.lastResortUntil === 0) return;
    const now = this.#clock.now();
    if (!record.out) {
      if (now < record.lastResortUntil) return;
      // one call finds out; the others go elsewhere until it has ended
      record.lastResortUntil = now + PROBE_MS;
      record.probeCall = call.id;
      return;
    }
    this.#settle(record, now);
    if (!record.out || now < record.until) return;
    this.#register.probe(record, call.id, now + PROBE_MS, now);
    call.trace.note("route", `this call finds out whether "${record.id}" answers again`);
  }

  /** How the stream ends is to be seen; meanwhile the next call may find out more. */
  answered(deployment: Deployment, _firstEventMs: number, call: Call): void {
    if (this.#register.out === 0) return;
    const record = this.#register.get(deployment.id);
    if (record?.probeCall !== call.id) return;
    const now = this.#clock.now();
    if (record.state === "probing") this.#register.probe(record, undefined, now, now);
    else if (record.isLastResort(now)) record.lastResortUntil = now;
  }

  report(deployment: Deployment, outcome: Outcome, call: Call): void {
    const record = this.#register.get(deployment.id);
    if (record === undefined) return;
    if (record.inFlight > 0) record.inFlight -= 1;
    const now = this.#clock.now();
    this.#settle(record, now);
    const isProbe = record.probeCall === call.id;
    const later = record.out && CAUSES[record.cause].halfOpen && now - outcome.durationMs > record.leftOutAt;
    // while a call is finding out, only it can say that nothing has changed
    const probes = record.out ? later && (isProbe || record.state !== "probing") : isProbe;
    const { error } = outcome;
    if (outcome.ok) this.#answered(record, later || probes, now);
    else if (
      error !== undefined &&
      outcome.abandoned !== true &&
      !wasImpatient(error, outcome, deployment, call) &&
      isFailure(error, record, this.#settings, now)
    ) {
      this.#failed(record, error, probes, now);
    } else if (probes) {
      // it has found out nothing: the next call may
      if (!isProbe) return;
      if (record.out) this.#register.probe(record, undefined, now, now);
      else record.lastResortUntil = now;
    }
  }

  probed(deploymentId: string, durationMs: number, error?: GatewayError): void {
    const record = this.#register.get(deploymentId);
    if (record === undefined) return;
    const now = this.#clock.now();
    this.#settle(record, now);
    const code = error?.code;
    record.lastProbe = {
      at: this.#clock.epochMs(),
      ok: error === undefined,
      durationMs: Math.round(durationMs),
      ...(code !== undefined && { code }),
    };
    // one cheap request does not lift a rate limit
    if (error === undefined) this.#answered(record, record.cause !== "rateLimit", now);
    else if (isFailure(error, record, this.#settings, now)) {
      const due = record.out && record.state !== "probing" && now >= record.until;
      this.#failed(record, error, due, now);
    }
  }

  close(): void {
    this.#unwatch();
  }

  /** @param proves it was asked after it had been left out: an answer to an older call says nothing about now */
  #answered(record: DeploymentHealth, proves: boolean, now: number): void {
    record.window.add(SUCCESS, now);
    record.lastSuccess = now;
    record.consecutiveFailures = 0;
    if (record.out ? proves : record.state === "failing") this.#register.recover(record, now);
  }

  /** @param proves it was asked after it had been left out */
  #failed(record: DeploymentHealth, error: GatewayError, proves: boolean, now: number): void {
    const settings = this.#settings;
    countFailure(record.window, error, settings, now);
    record.lastFailure = now;
    if (!isClientError(error)) record.consecutiveFailures += 1;
    if (record.out && !proves) {
      this.#repeated(record, error, now);
      return;
    }
    if (!proves && record.isLastResort(now) && saidBy(error) === undefined) return;
    const again = record.out || record.lastResortUntil > 0;
    const cause = again ? (saidBy(error) ?? "failuresInARow") : causeOf(error, record, settings, now);
    if (cause === undefined) {
      if (!isClientError(error)) this.#register.fail(record, error.code, failureWords(error.code), now);
      return;
    }
    const wellFor = now - record.recoveredAt;
    const before = again || wellFor < HEALTHY_PERIOD_MS ? record.count : 0;
    const count = CAUSES[cause].grows ? before + 1 : Math.max(before, 1);
    const until = now + cooldownMs(cause, count, error.retryAfterMs, settings);
    this.#register.leaveOut(record, { cause, code: error.code, until, count }, now);
  }

  /** Calls that were begun before it was left out end now: only a rate limit that lasts longer is news. */
  #repeated(record: DeploymentHealth, error: GatewayError, now: number): void {
    if (record.cause !== "rateLimit" || saidBy(error) !== "rateLimit" || error.retryAfterMs === undefined) return;
    const until = now + cooldownMs("rateLimit", 1, error.retryAfterMs, this.#settings);
    if (until > record.until + EXTENSION_MS) this.#register.extend(record, until, now);
  }

  #settle(record: DeploymentHealth, now: number): void {
    if (record.hasCooled(now)) this.#register.comeBack(record, now);
  }

  #look(deployments: readonly Deployment[], before: Sight | undefined, now: number): Sight {
    const register = this.#register;
    const out: DeploymentHealth[] = [];
    const usable: Deployment[] = [];
    let until = Number.POSITIVE_INFINITY;
    for (const deployment of deployments) {
      const record = register.get(deployment.id);
      if (record?.out === true) this.#settle(record, now);
      if (record === undefined || record.mayTry(now)) usable.push(deployment);
      else {
        out.push(record);
        if (record.until < until) until = record.until;
      }
    }
    const same = before !== undefined && out.length > 0 && sameItems(before.usable, usable);
    return {
      // what has settled just now has been looked at
      revision: register.revision,
      until,
      usable: out.length === 0 ? deployments : same ? before.usable : usable,
      out,
    };
  }
}

function sameItems(one: readonly Deployment[], other: readonly Deployment[]): boolean {
  return one.length === other.length && one.every((deployment, index) => deployment === other[index]);
}

function skip(call: Call, record: DeploymentHealth, now: number): void {
  if (record.state === "probing") {
    const reason = "another call is finding out whether it answers again";
    call.trace.skip(record.id, reason, { code: "no_healthy_deployment", retryAfterMs: PROBE_RETRY_AFTER_MS });
    return;
  }
  const { words } = CAUSES[record.cause];
  const code: ErrorCode = skipCode(record.cause);
  call.trace.skip(record.id, words, { code, retryAfterMs: Math.ceil(record.until - now) });
}

/** @param clock for tests */
export function createHealthBoard(
  options: CooldownOptions,
  models: ModelTable,
  parts: Pick<RouterParts, "state">,
  clock: Clock = SYSTEM_CLOCK,
): HealthBoard {
  return new Board(options, models, parts, clock);
}
