import type { Call } from "../call.ts";
import type { Deployment } from "../deployment.ts";
import type { AttemptRecord, Trace } from "../trace.ts";
import type {
  HeaderList,
  ResponseHeaders,
  Transport,
  TransportRequest,
  TransportResponse,
  TransportStream,
} from "../transport.ts";

const NO_HEADERS: HeaderList = [];

/** Adds to a provider's requests what the attempt knows: signal, time limits, and where the waiting time is noted. */
export class AttemptTransport implements Transport {
  readonly #transport: Transport;
  readonly #call: Call;
  readonly #deployment: Deployment;
  readonly #record: AttemptRecord;
  readonly #idleTimeoutMs: number;
  /** Of the last request. */
  sentHeaders: HeaderList = NO_HEADERS;

  constructor(transport: Transport, call: Call, deployment: Deployment, record: AttemptRecord, idleTimeoutMs: number) {
    this.#transport = transport;
    this.#call = call;
    this.#deployment = deployment;
    this.#record = record;
    this.#idleTimeoutMs = idleTimeoutMs;
  }

  async send(request: TransportRequest): Promise<TransportResponse> {
    this.sentHeaders = request.headers;
    const startedAt = performance.now();
    try {
      const response = await this.#transport.send({
        method: request.method,
        origin: request.origin,
        path: request.path,
        headers: request.headers,
        body: request.body,
        signal: request.signal ?? this.#call.signal,
        timeoutMs: "timeoutMs" in request ? request.timeoutMs : this.#deployment.timeoutMs,
        headersTimeoutMs: request.headersTimeoutMs,
        idleTimeoutMs: request.idleTimeoutMs,
        maxBytes: request.maxBytes,
        untrusted: request.untrusted,
      });
      this.#record.status = response.status;
      return response;
    } finally {
      this.#call.trace.upstreamMs += performance.now() - startedAt;
    }
  }

  async open(request: TransportRequest): Promise<TransportStream> {
    this.sentHeaders = request.headers;
    const deployment = this.#deployment;
    const startedAt = performance.now();
    try {
      const beginMs = shorter(deployment.streamTimeoutMs ?? deployment.timeoutMs, this.#call.options.streamTimeoutMs);
      const stream = await this.#transport.open({
        headersTimeoutMs: beginMs,
        firstByteTimeoutMs: beginMs,
        idleTimeoutMs: deployment.idleTimeoutMs ?? this.#idleTimeoutMs,
        ...request,
        signal: request.signal ?? this.#call.signal,
      });
      this.#record.status = stream.status;
      return new TimedStream(stream, this.#call.trace);
    } finally {
      this.#call.trace.upstreamMs += performance.now() - startedAt;
    }
  }
}

/** What is allowed, and what the caller wants: whichever ends first. */
function shorter(allowed: number | undefined, wanted: number | undefined): number | undefined {
  return allowed === undefined || (wanted !== undefined && wanted < allowed) ? wanted : allowed;
}

/** Counts the waits for pieces of the body as the upstream's time until the reply begins: a head alone is no answer. */
class TimedStream implements TransportStream {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly #inner: TransportStream;
  readonly #trace: Trace;

  constructor(inner: TransportStream, trace: Trace) {
    this.#inner = inner;
    this.#trace = trace;
    this.status = inner.status;
    this.headers = inner.headers;
  }

  read(): Promise<Buffer | undefined> {
    return this.#trace.begunMs === undefined ? this.#timed(this.#inner.read()) : this.#inner.read();
  }

  readAll(): Promise<Buffer> {
    return this.#timed(this.#inner.readAll());
  }

  close(): void {
    this.#inner.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        const bytes = await this.read();
        if (bytes === undefined) return;
        yield bytes;
      }
    } finally {
      this.close();
    }
  }

  async #timed<T>(wait: Promise<T>): Promise<T> {
    const startedAt = performance.now();
    try {
      return await wait;
    } finally {
      this.#trace.upstreamMs += performance.now() - startedAt;
    }
  }
}
