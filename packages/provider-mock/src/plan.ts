import { GatewayError } from "@signalbox/kernel";
import type { Behaviour, InjectedFault } from "./behaviour.ts";
import { parseBehaviour } from "./behaviour.ts";

/** The header that names the mock model to play, whatever model the request asks for. */
export const MODEL_HEADER = "x-mock-model";

const MOST_NAMES = 1000;

/** Reads model names and counts calls, so that `fault-…-first-2` knows when it is over. One per mock. */
export class Plans {
  readonly #scripts: readonly string[];
  readonly #behaviours: Map<string, Behaviour> = new Map();
  readonly #calls: Map<string, number> = new Map();

  constructor(scripts: readonly string[]) {
    this.#scripts = scripts;
  }

  /** @throws {GatewayError} `model_not_found` with the nearest names */
  behaviour(model: string): Behaviour {
    const known = this.#behaviours.get(model);
    if (known !== undefined) return known;
    const read = parseBehaviour(model, this.#scripts);
    if ("problem" in read) throw new GatewayError("model_not_found", read.problem, { param: "model", source: "mock" });
    if (this.#behaviours.size < MOST_NAMES) this.#behaviours.set(model, read);
    return read;
  }

  /** The fault that strikes this call, if any. Counts the call. */
  fault(model: string, behaviour: Behaviour): InjectedFault | undefined {
    const { fault } = behaviour;
    if (fault === undefined || (fault.first === undefined && fault.each === undefined)) return fault;
    const call = (this.#calls.get(model) ?? 0) + 1;
    this.#calls.set(model, call);
    if (fault.first !== undefined) return call <= fault.first ? fault : undefined;
    return call % (fault.each ?? 1) === 0 ? fault : undefined;
  }
}
