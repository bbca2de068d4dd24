import type { Deployment, ModelTable, RouterParts } from "@signalbox/kernel";
import { GatewayError, toGatewayError } from "@signalbox/kernel";
import type { HealthBoard } from "./health-board.ts";
import type { ProbeOptions } from "./probe-options.ts";
import { probeOf } from "./probe-request.ts";

const DEFAULT_INTERVAL_MS = 300_000;
const DEFAULT_CONCURRENCY = 10;
const DEFAULT_TIMEOUT_MS = 30_000;
/** The first round comes soon, but not at the same moment in all processes. */
const FIRST_ROUND_MS = 5_000;
/** Rounds are a tenth shorter or longer, so that processes do not ask together. */
const JITTER = 0.1;

/** Asks deployments whether they are well, and tells the board. */
export interface HealthProbes {
  /** Asks these now; resolves when all have answered or had their time. Never rejects. */
  check(deployments: readonly Deployment[]): Promise<void>;
  /** Begins to ask all of them in rounds. */
  start(): void;
  /** Ends what is running. */
  close(): void;
}

class Probes implements HealthProbes {
  readonly #board: HealthBoard;
  readonly #models: ModelTable;
  readonly #probe: RouterParts["probe"];
  readonly #random: () => number;
  readonly #intervalMs: number;
  readonly #concurrency: number;
  readonly #timeoutMs: number;
  /** By deployment: nobody is asked twice at the same time. */
  readonly #asked = new Map<string, Promise<void>>();
  /** Of the requests that are on their way. */
  readonly #controllers = new Set<AbortController>();
  /** Those that wait for their turn. */
  readonly #turns: (() => void)[] = [];
  #running = 0;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    options: ProbeOptions,
    board: HealthBoard,
    models: ModelTable,
    parts: Pick<RouterParts, "probe">,
    random: () => number,
  ) {
    this.#board = board;
    this.#models = models;
    this.#probe = parts.probe;
    this.#random = random;
    this.#intervalMs = options.intervalMs ?? DEFAULT_INTERVAL_MS;
    this.#concurrency = options.concurrency ?? DEFAULT_CONCURRENCY;
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  }

  async check(deployments: readonly Deployment[]): Promise<void> {
    await Promise.all(deployments.map((deployment) => this.#ask(deployment)));
  }

  start(): void {
    this.#schedule(this.#random() * Math.min(FIRST_ROUND_MS, this.#intervalMs));
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    const reason = new GatewayError("draining", "the gateway is shutting down");
    for (const controller of this.#controllers) controller.abort(reason);
  }

  #schedule(delayMs: number): void {
    this.#timer = setTimeout(() => void this.#round(), delayMs);
    this.#timer.unref();
  }

  async #round(): Promise<void> {
    await this.check(this.#worthAsking());
    if (this.#closed) return;
    this.#schedule(this.#intervalMs * (1 - JITTER + 2 * JITTER * this.#random()));
  }

  /** Whoever is rate limited is left in peace until his time is over. */
  #worthAsking(): readonly Deployment[] {
    const limited = new Set<string>();
    for (const { id, state, code } of this.#board.states()) {
      if (state === "cooling" && code === "provider_rate_limited") limited.add(id);
    }
    return this.#models.all().filter(({ id }) => !limited.has(id));
  }

  #ask(deployment: Deployment): Promise<void> {
    const { id } = deployment;
    const running = this.#asked.get(id);
    if (running !== undefined) return running;
    const asked = this.#inTurn(deployment).finally(() => this.#asked.delete(id));
    this.#asked.set(id, asked);
    return asked;
  }

  async #inTurn(deployment: Deployment): Promise<void> {
    if (this.#running >= this.#concurrency) await new Promise<void>((resolve) => this.#turns.push(resolve));
    else this.#running += 1;
    try {
      await this.#askNow(deployment);
    } finally {
      // the turn is handed on, not given back
      const next = this.#turns.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  async #askNow(listed: Deployment): Promise<void> {
    const probe = probeOf(listed);
    if (probe === undefined || this.#closed) return;
    const timeoutMs = probe.timeoutMs ?? this.#timeoutMs;
    const startedAt = performance.now();
    const controller = new AbortController();
    this.#controllers.add(controller);
    const timer = setTimeout(() => {
      controller.abort(new GatewayError("timeout", `the health check was not answered within ${timeoutMs} ms`));
    }, timeoutMs);
    timer.unref();
    let error: GatewayError | undefined;
    try {
      const { signal } = controller;
      await Promise.race([this.#probe(probe.deployment, probe.input, signal), aborted(signal)]);
    } catch (thrown) {
      error = toGatewayError(thrown, listed.provider);
    } finally {
      clearTimeout(timer);
      this.#controllers.delete(controller);
    }
    if (!this.#closed) this.#board.probed(listed.id, performance.now() - startedAt, error);
  }
}

/** For providers that do not listen to the signal. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** @param random for tests: 0 to 1 */
export function createHealthProbes(
  options: ProbeOptions,
  board: HealthBoard,
  models: ModelTable,
  parts: Pick<RouterParts, "probe">,
  random: () => number = Math.random,
): HealthProbes {
  return new Probes(options, board, models, parts, random);
}
