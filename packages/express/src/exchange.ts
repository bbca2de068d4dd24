import type { IncomingMessage, ServerResponse } from "node:http";
import type { Call, Dialect, OpenCall, OperationName, Principal } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { Surface } from "./surface.ts";

const EXCHANGE: unique symbol = Symbol.for("@signalbox/express.exchange");

interface Carrier {
  [EXCHANGE]?: Exchange;
}

/** One request and its response, from arrival to the last byte. */
export class Exchange {
  readonly surface: Surface;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Below the mount point, without query. */
  readonly path: string;
  /** In whose form errors are told. */
  dialect: Dialect | undefined;
  principal: Principal | undefined;
  open: OpenCall<OperationName> | undefined;
  /** The client has gone, or was cut off. */
  closed = false;
  /** `performance.now()` when the request arrived. */
  readonly startedAt: number = performance.now();
  /** Milliseconds spent waiting for the client's body. */
  waitedMs = 0;
  #id: string | undefined;
  #wake: (() => void) | undefined;
  #onQueuedClose: (() => void) | undefined;

  constructor(surface: Surface, request: IncomingMessage, response: ServerResponse, path: string) {
    this.surface = surface;
    this.request = request;
    this.response = response;
    this.path = path;
    (request as Carrier)[EXCHANGE] = this;
    (response as Carrier)[EXCHANGE] = this;
  }

  /** The call's id; before and without a call, one of our own. */
  get id(): string {
    if (this.open !== undefined) return this.open.call.id;
    this.#id ??= this.surface.ids.next();
    return this.#id;
  }

  /**
   * Opens the call's life line: when the client goes, the call is cancelled.
   * @throws {GatewayError} `client_closed` when it has gone already
   */
  watch(): void {
    const { request, response } = this;
    if (response.destroyed || request.socket.destroyed) throw clientClosed();
    response.on("close", onClose);
    if (response.socket === null) {
      // behind another answer of a pipeline: Node 22 closes a response only once the connection is its own
      this.#onQueuedClose = () => this.leave();
      // one for each request of the pipeline, gone with its call: Node's warning at eleven would mean no leak
      request.socket.setMaxListeners(0);
      request.socket.on("close", this.#onQueuedClose);
    }
  }

  /** The call has ended; what happens to the connection is no longer its business. */
  unwatch(): void {
    this.response.off("close", onClose);
    if (this.#onQueuedClose !== undefined) this.request.socket.off("close", this.#onQueuedClose);
  }

  leave(error: GatewayError = clientClosed()): void {
    this.closed = true;
    this.open?.cancel(error);
    this.#wake?.();
  }

  /**
   * Waits until the client has taken what was written, or has gone. One that takes nothing for the stall timeout is
   * cut off.
   */
  async drained(): Promise<void> {
    const { response, surface } = this;
    const { socket } = response;
    const limit = surface.settings.stallTimeoutMs;
    const before = socket?.timeout ?? 0;
    // Node's own socket timeout knows whether any byte has moved since it last looked
    if (limit > 0) response.on("timeout", onStall).setTimeout(limit);
    response.on("drain", onDrain);
    try {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    } finally {
      this.#wake = undefined;
      response.off("drain", onDrain);
      if (limit > 0) {
        response.off("timeout", onStall);
        socket?.setTimeout(before);
      }
    }
  }

  wake(): void {
    this.#wake?.();
  }

  stall(): void {
    const seconds = Math.round(this.surface.settings.stallTimeoutMs / 1000);
    this.leave(new GatewayError("client_closed", `the client took nothing for ${seconds} seconds`));
    this.response.destroy();
  }
}

/** The call that a request or response belongs to, once it has been opened. For middleware and logging. */
export function getCall(message: IncomingMessage | ServerResponse): Call | undefined {
  return (message as Carrier)[EXCHANGE]?.open?.call;
}

/** Who a request was found to come from; undefined before authentication and on public routes. */
export function getPrincipal(message: IncomingMessage | ServerResponse): Principal | undefined {
  return (message as Carrier)[EXCHANGE]?.principal;
}

// Listeners are shared functions that find their exchange by the emitter: no closure is made per request.

function onClose(this: ServerResponse): void {
  (this as Carrier)[EXCHANGE]?.leave();
}

function onDrain(this: ServerResponse): void {
  (this as Carrier)[EXCHANGE]?.wake();
}

function onStall(this: ServerResponse): void {
  (this as Carrier)[EXCHANGE]?.stall();
}

function clientClosed(): GatewayError {
  return new GatewayError("client_closed", "the client closed the connection");
}
