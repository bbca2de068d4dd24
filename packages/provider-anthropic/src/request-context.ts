import type { Attempt, Deployment, Trace } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { ModelCapabilities } from "./capabilities.ts";
import { ANTHROPIC } from "./names.ts";

/** What every step of writing a request needs to know, and where it says what it left out. */
export class RequestContext {
  readonly capabilities: ModelCapabilities;
  readonly model: string;
  readonly #deployment: Deployment;
  readonly #dropParams: boolean;
  readonly #trace: Trace;
  readonly #noted: Set<string> = new Set();

  constructor(attempt: Attempt, capabilities: ModelCapabilities) {
    this.capabilities = capabilities;
    this.model = attempt.upstreamModel;
    this.#deployment = attempt.deployment;
    this.#dropParams = attempt.options.dropParams ?? attempt.deployment.dropParams ?? false;
    this.#trace = attempt.trace;
  }

  /** Says in the trace what is sent differently from what was asked for; each thing once. */
  note(text: string): void {
    if (this.#noted.has(text)) return;
    this.#noted.add(text);
    this.#trace.note(ANTHROPIC, text);
  }

  /** Tells the client that a parameter is left out. */
  report(parameter: string): void {
    this.#trace.drop(parameter);
  }

  /** Left out, and reported to the client: a wish that contradicts another one. */
  drop(parameter: string, reason: string): void {
    this.report(parameter);
    this.note(`${parameter} was left out: ${reason}`);
  }

  /** Left out with `drop_params`, else refused. For what the parameter table of the kernel does not reach. */
  refuseOrDrop(parameter: string, what: string): void {
    if (!this.#dropParams) {
      throw new GatewayError(
        "unsupported_parameter",
        `${what} is not supported by model ${JSON.stringify(this.model)} of provider ` +
          `${JSON.stringify(this.#deployment.provider)}; remove it, or set "drop_params": true to have it left out`,
        { param: parameter, source: this.#deployment.provider },
      );
    }
    this.drop(parameter, `${what} is not supported by this model`);
  }

  /** Content that this vendor cannot take; another one may. */
  refuseContent(what: string, at: string): GatewayError {
    return new GatewayError("invalid_request", `${what} is not supported by model ${JSON.stringify(this.model)}`, {
      param: at,
      source: this.#deployment.provider,
      retryable: true,
    });
  }
}
