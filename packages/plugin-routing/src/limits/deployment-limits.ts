import type { Call, Deployment, Outcome, RoutingParts, Strategy } from "@signalbox/kernel";
import { estimatedTokens, GatewayError } from "@signalbox/kernel";
import type { Claim, Limited, Obstacle } from "./deployment-meter.ts";
import { placeObstacle } from "./deployment-meter.ts";
import { LimitBook } from "./limit-book.ts";
import { priorityOf } from "./priority.ts";
import type { Waiter } from "./waiting-room.ts";
import { WaitingRoom } from "./waiting-room.ts";

/** Where calls wait when every deployment of their model is busy. */
export interface QueueOptions {
  /** How many calls may wait in this process. Default 1,000. */
  readonly maxWaiting?: number;
  /** Default 30,000. */
  readonly maxWaitMs?: number;
}

/** Options of `withLimits`. */
export interface LimitOptions {
  /** Without it nobody waits: a full deployment is passed over. */
  readonly queue?: QueueOptions;
  /** For deployments that do not say: most attempts that run at the same time. */
  readonly defaultMaxParallel?: number;
  /** Epoch milliseconds, for the minutes of `rpm` and `tpm`. Default `Date.now`. */
  readonly now?: () => number;
}

/**
 * Keeps deployments within their `rpm`, `tpm` and `maxParallel`: what has no room is passed over, and the trace says
 * why. Room is claimed at the moment in which a deployment is yielded, and given back by the attempt's end, or when
 * there is no attempt. Tokens are claimed by estimate and corrected by what was used.
 *
 * With `queue`, calls that find no room wait for a place at those deployments that are full, but within their rates.
 * The room is full: 429. The wait takes too long: 503 `overloaded`.
 *
 * The other processes' share is known through `parts.state`; together they may exceed a limit for a moment.
 */
export function withLimits(strategy: Strategy, options: LimitOptions, parts: RoutingParts): Strategy {
  const { queue, defaultMaxParallel, now = Date.now } = options;
  const book = new LimitBook(parts.state, defaultMaxParallel, now);
  const room = queue === undefined ? undefined : new WaitingRoom(queue, { take: takeFor });

  function takeFor(place: Limited, { call, tokens }: Waiter): Claim | number | undefined {
    const obstacle = place.meter.obstacle(place, tokens, now());
    if (obstacle === undefined) return book.claim(call, place, tokens);
    return obstacle.code === "rate_limit_exceeded" ? obstacle.retryAfterMs : undefined;
  }

  /** Those who wait for a place come before those who arrive. */
  function obstacleAt(place: Limited, tokens: number): Obstacle | undefined {
    const obstacle = place.meter.obstacle(place, tokens, now());
    return obstacle ?? (place.meter.line.isEmpty ? undefined : placeObstacle(place));
  }

  function giveBack(call: Call, claim: Claim, outcome?: Outcome): void {
    book.giveBack(call, claim, outcome);
    room?.serve(claim.limited.meter);
  }

  function* limited(call: Call, candidates: readonly Deployment[]): Offers {
    const priority = room === undefined ? 0 : priorityOf(call);
    const tokens = book.groupOf(candidates).tokens ? tokensOf(call) : 0;
    const items = strategy.order(call, candidates)[Symbol.iterator]();
    let held: Claim | undefined;
    let waiter: Waiter | undefined;
    let busy: Limited[] | undefined;
    let over = false;

    /** What was yielded last is settled: an attempt that has begun gives its claim back itself. */
    function settle(): void {
      const claim = held ?? waiter?.claim;
      held = undefined;
      waiter = undefined;
      if (claim?.begun === false) giveBack(call, claim);
    }

    /** The strategy has waited for a deployment: it is taken, or waited for once more. */
    async function arrived(coming: Promise<Deployment>): Promise<Deployment> {
      const deployment = await coming;
      const place = book.limitsOf(deployment);
      if (place === undefined || over) return deployment;
      const obstacle = obstacleAt(place, tokens);
      if (obstacle === undefined) {
        held = book.claim(call, place, tokens);
        return deployment;
      }
      waiter = obstacle.code === WAITABLE ? room?.enter(call, priority, tokens, [place]) : undefined;
      if (waiter !== undefined) return await waiter.room;
      throw refusal(deployment, obstacle);
    }

    try {
      let step = items.next();
      while (step.done !== true) {
        const item = step.value;
        let failure: GatewayError | undefined;
        if ("then" in item) {
          failure = yield arrived(item);
          settle();
        } else {
          const place = book.limitsOf(item);
          const obstacle = place === undefined ? undefined : obstacleAt(place, tokens);
          if (place === undefined) {
            failure = yield item;
          } else if (obstacle === undefined) {
            held = book.claim(call, place, tokens);
            failure = yield item;
            settle();
          } else if (room !== undefined && obstacle.code === WAITABLE) {
            busy ??= [];
            busy.push(place);
          } else {
            skip(call, place, obstacle);
          }
        }
        step = items.next(failure);
      }
      while (busy !== undefined && busy.length > 0) {
        waiter = room?.enter(call, priority, tokens, busy);
        if (waiter === undefined) break;
        yield waiter.room;
        const taken = waiter.claim?.limited;
        settle();
        // its time was up
        if (taken === undefined) break;
        busy = busy.filter((place) => place !== taken);
      }
      for (const place of busy ?? []) skip(call, place, placeObstacle(place, room?.isFull === true));
    } finally {
      over = true;
      items.return?.();
      waiter?.fail(new GatewayError("overloaded", "the call waits no longer", { retryable: true }));
      // a router that takes one deployment and closes the list begins its attempt in this very turn
      if ((held ?? waiter?.claim)?.begun === false) queueMicrotask(settle);
    }
  }

  return {
    name: strategy.name,
    order: (call, candidates) =>
      book.groupOf(candidates).limited ? limited(call, candidates) : strategy.order(call, candidates),
    begin(deployment, call) {
      const place = book.limitsOf(deployment);
      if (place !== undefined) {
        // a router that repeats an attempt on its own claims what it takes
        const claim = book.find(call, place, false) ?? book.claim(call, place, tokensOf(call));
        claim.begun = true;
      }
      strategy.begin?.(deployment, call);
    },
    ...(strategy.answered !== undefined && { answered: strategy.answered.bind(strategy) }),
    report(deployment, outcome, call) {
      const place = book.limitsOf(deployment);
      const claim = place === undefined ? undefined : book.find(call, place, true);
      if (claim !== undefined) giveBack(call, claim, outcome);
      strategy.report?.(deployment, outcome, call);
    },
    validate(models) {
      strategy.validate?.(models);
      book.keepOnly(models);
    },
  };
}

/** What is waited for, where there is a queue. */
const WAITABLE = "concurrency_limit_exceeded";

type Offers = Generator<Deployment | Promise<Deployment>, void, GatewayError | undefined>;

function tokensOf(call: Call): number {
  const { input, output } = estimatedTokens(call);
  return input + output;
}

function skip({ trace }: Call, { deployment }: Limited, { reason, code, retryAfterMs, type }: Obstacle): void {
  trace.skip(deployment.id, reason, { code, retryAfterMs, type });
}

function refusal({ id }: Deployment, { code, reason, retryAfterMs, type }: Obstacle): GatewayError {
  return new GatewayError(code, `deployment ${JSON.stringify(id)}: ${reason}`, { retryAfterMs, type });
}
