import { channel } from "node:diagnostics_channel";
import type { Deployment, ErrorCode, ModelTable } from "@signalbox/kernel";
import type { Clock } from "./clock.ts";
import type { Cause } from "./cooldown-causes.ts";
import { CAUSES } from "./cooldown-causes.ts";
import type { CooldownSettings } from "./cooldown-rules.ts";
import { HEALTHY_PERIOD_MS, longestCooldownMs } from "./cooldown-rules.ts";
import type { HealthGroup } from "./deployment-health.ts";
import { DeploymentHealth, isOut } from "./deployment-health.ts";
import type { HealthState } from "./deployment-state.ts";
import type { SharedCooldown, SharedCooldowns } from "./shared-cooldowns.ts";

const healthChanges = channel("signalbox:health");

/** Published on the `diagnostics_channel` named `signalbox:health` whenever a deployment's state changes. */
export interface HealthChange {
  readonly deployment: string;
  readonly model: string;
  readonly from: HealthState;
  readonly to: HealthState;
  /** What it failed with; undefined when it is well again. */
  readonly code: ErrorCode | undefined;
  /** Epoch milliseconds; undefined when it is not left out. */
  readonly untilMs: number | undefined;
}

/** What a deployment is left out with. */
export interface Removal {
  readonly cause: Cause;
  readonly code: ErrorCode;
  /** On the clock. */
  readonly until: number;
  /** How often in a row. */
  readonly count: number;
}

/** Every deployment's state, in groups, and the ways from one state to another. */
export class HealthRegister {
  readonly #models: ModelTable;
  readonly #settings: CooldownSettings;
  readonly #shared: SharedCooldowns;
  readonly #clock: Clock;
  #records: ReadonlyMap<string, DeploymentHealth> = new Map();
  #version = -1;
  /** How many deployments are left out. */
  out = 0;
  /** Counts up whenever somebody is left out, comes back or changes. */
  revision = 0;

  constructor(models: ModelTable, settings: CooldownSettings, shared: SharedCooldowns, clock: Clock) {
    this.#models = models;
    this.#settings = settings;
    this.#shared = shared;
    this.#clock = clock;
  }

  get(deploymentId: string): DeploymentHealth | undefined {
    this.sync();
    return this.#records.get(deploymentId);
  }

  all(): Iterable<DeploymentHealth> {
    this.sync();
    return this.#records.values();
  }

  /** Takes notice of deployments that were added, changed or removed. */
  sync(): void {
    if (this.#models.version !== this.#version) this.#refresh();
  }

  /** Leaves a deployment out, unless too many are already, and tells the other processes. */
  leaveOut(record: DeploymentHealth, removal: Removal, now: number): void {
    const obstacle = this.#obstacle(record, removal.cause);
    if (obstacle === undefined) {
      this.#remove(record, removal, now);
      this.share(record, now);
      return;
    }
    const wasOut = record.out;
    this.fail(record, removal.code, `${CAUSES[removal.cause].words}; ${obstacle}`, now);
    if (wasOut) this.#shared.delete(record.id);
    if (record.group.size > 1 && !this.#settings.disabled) {
      record.count = removal.count;
      record.lastResortUntil = removal.until;
    }
  }

  /** It failed, and is used all the same. */
  fail(record: DeploymentHealth, code: ErrorCode, reason: string, now: number): void {
    record.code = code;
    record.reason = reason;
    this.#move(record, "failing", now);
  }

  /** It has answered. */
  recover(record: DeploymentHealth, now: number): void {
    const wasOut = record.out;
    record.code = undefined;
    record.reason = undefined;
    record.lastResortUntil = 0;
    this.#move(record, "healthy", now);
    if (wasOut) this.#shared.delete(record.id);
  }

  /** Its time is over: from now on it is used as before. */
  comeBack(record: DeploymentHealth, now: number): void {
    if (record.consecutiveFailures === 0) this.recover(record, now);
    else
      this.fail(record, record.code ?? "provider_error", `${CAUSES[record.cause].words} when it was tried last`, now);
  }

  /** One call, or nobody if it is undefined, is to find out whether it answers again. */
  probe(record: DeploymentHealth, callId: string | undefined, until: number, now: number): void {
    record.probeCall = callId;
    record.until = until;
    this.#move(record, callId === undefined ? CAUSES[record.cause].state : "probing", now);
    this.share(record, now);
  }

  extend(record: DeploymentHealth, until: number, now: number): void {
    record.until = until;
    this.revision += 1;
    this.share(record, now);
  }

  /** Tells the other processes until when it is left out, and to remember how often it was. */
  share(record: DeploymentHealth, now: number): void {
    const { cause, code = "provider_error", count, until } = record;
    const cooldown = { until: Math.round(until - now + this.#clock.epochMs()), code, cause, count };
    this.#shared.set(record.id, cooldown, Math.max(0, until - now) + HEALTHY_PERIOD_MS);
  }

  /** What another process says. */
  adopt(deploymentId: string, cooldown: SharedCooldown | undefined): void {
    const record = this.#records.get(deploymentId);
    if (record === undefined || this.#settings.disabled) return;
    const now = this.#clock.now();
    if (cooldown === undefined) {
      if (record.out) this.#movedByOthers(record, "healthy", now);
      return;
    }
    // our own probe will tell more than what the other process knows
    if (record.state === "probing") return;
    const leftMs = Math.min(cooldown.until - this.#clock.epochMs(), longestCooldownMs(this.#settings));
    const { cause, code, count } = cooldown;
    if (leftMs <= 0 && !CAUSES[cause].halfOpen) return;
    if (this.#obstacle(record, cause) !== undefined) return;
    this.#remove(record, { cause, code, count, until: now + leftMs }, now);
  }

  #movedByOthers(record: DeploymentHealth, state: HealthState, now: number): void {
    record.code = undefined;
    record.reason = undefined;
    record.consecutiveFailures = 0;
    record.lastResortUntil = 0;
    this.#move(record, state, now);
  }

  #remove(record: DeploymentHealth, { cause, code, until, count }: Removal, now: number): void {
    this.#uncount(record);
    record.cause = cause;
    record.code = code;
    record.reason = CAUSES[cause].words;
    record.until = until;
    record.leftOutAt = now;
    record.lastResortUntil = 0;
    record.count = count;
    record.probeCall = undefined;
    this.#count(record, CAUSES[cause].state);
    this.#change(record, CAUSES[cause].state, now);
  }

  #move(record: DeploymentHealth, state: HealthState, now: number): void {
    this.#uncount(record);
    this.#count(record, state);
    this.#change(record, state, now);
  }

  /** Why it must not be left out, if so. One that is out already takes nobody else's place. */
  #obstacle(record: DeploymentHealth, cause: Cause): string | undefined {
    const { group } = record;
    if (this.#settings.disabled) return "kept: cooldowns are switched off";
    if (group.size === 1) return "kept: it is the only deployment of its model";
    if (!CAUSES[cause].inferred) return undefined;
    const others = record.out ? group.out - 1 : group.out;
    const inferred = record.out && CAUSES[record.cause].inferred ? group.inferred - 1 : group.inferred;
    if (inferred + 1 > this.#most(group)) return "kept: too many others of its model are left out";
    return others + 1 < group.size ? undefined : "kept: all others of its model are left out";
  }

  #most(group: HealthGroup): number {
    return Math.floor(group.size * this.#settings.maxEjectedShare);
  }

  #uncount(record: DeploymentHealth): void {
    if (!record.out) return;
    this.out -= 1;
    record.group.out -= 1;
    if (CAUSES[record.cause].inferred) record.group.inferred -= 1;
  }

  #count({ group, cause }: DeploymentHealth, state: HealthState): void {
    if (!isOut(state)) return;
    this.out += 1;
    group.out += 1;
    if (CAUSES[cause].inferred) group.inferred += 1;
  }

  #change(record: DeploymentHealth, to: HealthState, now: number): void {
    const from = record.state;
    record.state = to;
    if (isOut(from) || isOut(to)) this.revision += 1;
    if (isOut(from) && !isOut(to)) {
      record.probeCall = undefined;
      record.recoveredAt = now;
    }
    if (from === to) return;
    record.since = now;
    if (!healthChanges.hasSubscribers) return;
    const change: HealthChange = {
      deployment: record.id,
      model: record.deployment.model,
      from,
      to,
      code: record.code,
      untilMs: isOut(to) ? Math.round(record.until - now + this.#clock.epochMs()) : undefined,
    };
    healthChanges.publish(change);
  }

  #refresh(): void {
    this.#version = this.#models.version;
    const now = this.#clock.now();
    const before = this.#records;
    const records = new Map<string, DeploymentHealth>();
    const groups = new Map<string, HealthGroup>();
    const fresh: DeploymentHealth[] = [];
    this.#records = records;
    this.out = 0;
    this.revision += 1;
    for (const deployment of this.#models.all()) {
      const group = groupOf(groups, deployment);
      const known = before.get(deployment.id);
      let record = known;
      if (record === undefined || record.deployment !== deployment) {
        record = new DeploymentHealth(deployment, group, this.#settings.kinds, now);
        // what was begun at the old one ends at the new one
        record.inFlight = known?.inFlight ?? 0;
        if (known === undefined) fresh.push(record);
        else if (known.out) this.#shared.delete(known.id);
      }
      record.group = group;
      group.size += 1;
      records.set(deployment.id, record);
      this.#count(record, record.state);
    }
    for (const [id, record] of before) if (!records.has(id) && record.out) this.#shared.delete(id);
    for (const { id } of fresh) this.#adoptKept(id);
    for (const record of records.values()) this.#keepWithinShare(record, now);
  }

  #adoptKept(id: string): void {
    const cooldown = this.#shared.get(id);
    if (cooldown !== undefined) this.adopt(id, cooldown);
  }

  /** A group that has become smaller may have too many left out. */
  #keepWithinShare(record: DeploymentHealth, now: number): void {
    if (!record.out) return;
    const { group, cause, code = "provider_error" } = record;
    const tooMany = CAUSES[cause].inferred && group.inferred > this.#most(group);
    if (group.size > 1 && !tooMany) return;
    const why =
      group.size === 1 ? "it is the only deployment of its model" : "too many others of its model are left out";
    this.fail(record, code, `${CAUSES[cause].words}; kept: ${why}`, now);
    this.#shared.delete(record.id);
  }
}

function groupOf(groups: Map<string, HealthGroup>, { model, teamId = "" }: Deployment): HealthGroup {
  const key = `${teamId}\n${model}`;
  let group = groups.get(key);
  if (group === undefined) {
    group = { size: 0, out: 0, inferred: 0 };
    groups.set(key, group);
  }
  return group;
}
