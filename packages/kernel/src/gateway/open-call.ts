import type { Call, CallOptions, State } from "../call.ts";
import { GatewayError, toGatewayError } from "../errors.ts";
import type { CallInput, OpenCall } from "../gateway.ts";
import type { Moments } from "../moments.ts";
import type { NativeRequest } from "../native.ts";
import type { OperationName, Reply, RequestOf } from "../operation.ts";
import type { Principal } from "../principal.ts";
import { APPLICATION } from "../principal.ts";
import { Trace } from "../trace.ts";
import type { Usage } from "../usage.ts";
import type { ActiveCall, ActiveCalls } from "./active-calls.ts";
import { CallAdmission } from "./call-admission.ts";

const NO_OPTIONS: CallOptions = {};

/** What all calls of a gateway share. */
export interface CallContext {
  readonly nextId: () => string;
  readonly timeoutMs: number;
  /** The public model that an alias stands for, or the name itself. */
  readonly modelFor: (asked: string, principal: Principal) => string;
  readonly observers: Moments;
  /** Extensions that some plugin reads. */
  readonly extensions: ReadonlySet<string>;
  /** The layers around the router. */
  readonly answer: (call: Call) => Reply<OperationName>;
  /** Running calls, for draining. */
  readonly active: ActiveCalls;
  /** Set while the gateway drains. */
  readonly refusal: () => GatewayError | undefined;
}

/**
 * A call and its life: made when it is opened, begun when its reply is first read, over when the reply ends.
 * All fields of `Call` are its own properties, so that layers may copy it by spread.
 */
export class RunningCall<Name extends OperationName> implements Call<Name>, OpenCall<Name>, ActiveCall {
  readonly id: string;
  readonly operation: Name;
  readonly request: RequestOf<Name>;
  readonly model: string;
  readonly principal: Principal;
  readonly signal: AbortSignal;
  readonly deadline: number;
  readonly state: State = new Map();
  readonly options: CallOptions;
  readonly trace: Trace;
  readonly native: NativeRequest | undefined;
  readonly reply: Reply<Name>;
  readonly admission: CallAdmission;
  /**
   * Bound, for callers that take it off. Here, and not in the constructor: a function that is assigned to a property is
   * allocated among the long-lived objects, and would keep the whole call there after its end.
   */
  readonly cancel: (reason?: GatewayError) => void = (reason) => this.#cancel(reason);
  readonly #controller: AbortController = new AbortController();
  readonly #context: CallContext;
  readonly #callerSignal: AbortSignal | undefined;
  /** Ends the wait for the first step, for a layer or provider that does not listen to the signal. */
  #interrupt: ((reason: GatewayError) => void) | undefined;
  #slot = -1;

  constructor(context: CallContext, input: CallInput<Name>) {
    this.#context = context;
    this.trace = new Trace();
    this.id = context.nextId();
    this.operation = input.operation;
    this.request = input.request;
    this.principal = input.principal ?? APPLICATION;
    this.model = context.modelFor(input.request.model, this.principal);
    this.options = input.options ?? NO_OPTIONS;
    if (this.options.extensions !== undefined) this.#reportUnread(this.options.extensions);
    this.native = input.native;
    this.#callerSignal = input.signal;
    this.signal = this.#controller.signal;
    this.deadline = this.trace.startedAt + this.#timeoutMs();
    this.admission = new CallAdmission(this);
    this.reply = this.#run();
  }

  get call(): Call<Name> {
    return this;
  }

  /** A wish that nobody here can grant is not passed over in silence. */
  #reportUnread(extensions: NonNullable<CallOptions["extensions"]>): void {
    const known = this.#context.extensions;
    const unread = Object.keys(extensions).filter((name) => !known.has(name));
    if (unread.length > 0) this.trace.droppedParams = unread;
  }

  get slot(): number {
    return this.#slot;
  }

  set slot(slot: number) {
    this.#slot = slot;
  }

  get begun(): boolean {
    return this.trace.begunMs !== undefined;
  }

  expire(): void {
    const seconds = this.#timeoutMs() / 1_000;
    this.#cancel(new GatewayError("timeout", `the deadline of ${seconds} s was reached before the reply began`));
  }

  #cancel(reason?: GatewayError): void {
    if (this.signal.aborted) return;
    const error = reason ?? new GatewayError("client_closed", "the caller left before the reply was complete");
    this.#controller.abort(error);
    this.#interrupt?.(error);
  }

  #timeoutMs(): number {
    const wanted = this.options.timeoutMs;
    return wanted === undefined ? this.#context.timeoutMs : Math.min(wanted, this.#context.timeoutMs);
  }

  async *#run(): Reply<Name> {
    const { active, observers, refusal } = this.#context;
    const refused = refusal();
    if (refused !== undefined) throw refused;
    const caller = this.#callerSignal;
    const onCallerAbort = caller === undefined ? undefined : (): void => this.cancel();
    if (caller !== undefined && onCallerAbort !== undefined) {
      if (caller.aborted) this.cancel();
      else caller.addEventListener("abort", onCallerAbort, { once: true });
    }
    if (this.signal.aborted) throw this.signal.reason;
    active.add(this);
    observers.callStarted?.(this);
    let reply: Reply<Name> | undefined;
    let open = true;
    try {
      // A layer that is no generator may throw here.
      reply = this.#context.answer(this) as Reply<Name>;
      let step = await this.#firstStep(reply);
      if (this.admission.outstanding !== undefined) await this.admission.outstanding;
      // A stream that has begun is bounded by its silences, not by its length: the deadline ends here.
      this.trace.begunMs = this.trace.elapsedMs();
      while (step.done !== true) {
        yield step.value;
        step = await reply.next();
      }
      open = false;
      observers.callSucceeded?.(this, (step.value as { usage?: Usage }).usage);
      return step.value;
    } catch (thrown) {
      open = false;
      if (!this.signal.aborted) await this.#decision();
      const error = this.signal.aborted ? (this.signal.reason as GatewayError) : toGatewayError(thrown);
      // an interrupted wait leaves the reply behind: what its next step brings, nobody reads
      if (this.signal.aborted) void reply?.return(undefined as never).catch(() => undefined);
      if (this.admission.denied) this.trace.attempts.length = 0;
      observers.callFailed?.(this, error);
      throw error;
    } finally {
      active.delete(this);
      if (onCallerAbort !== undefined) caller?.removeEventListener("abort", onCallerAbort);
      if (open) {
        this.cancel();
        observers.callFailed?.(this, this.signal.reason as GatewayError);
        await reply?.return(undefined as never);
      }
    }
  }

  /** A call that is denied has failed by that, however far it has come meanwhile; nothing was sent. */
  async #decision(): Promise<void> {
    try {
      await this.admission.outstanding;
    } catch {
      // has become the reason of the call's end
    }
  }

  #firstStep(reply: Reply<Name>): ReturnType<Reply<Name>["next"]> {
    return new Promise((resolve, reject) => {
      this.#interrupt = reject;
      reply.next().then(resolve, reject);
    });
  }
}
