import type { IncomingMessage } from "node:http";
import type { Principal } from "@signalbox/kernel";
import { didYouMean, GatewayError } from "@signalbox/kernel";
import type { AccessOptions } from "./access-options.ts";
import { ACCESS_LISTS } from "./access-options.ts";

/** A failure that the client was only told the id of. */
export interface ErrorReport {
  readonly error: GatewayError;
  /** `x-signalbox-call-id` of the response. */
  readonly callId: string;
  readonly method: string;
  readonly path: string;
}

/** How requests are read and replies are written, for every way of serving a gateway. */
export interface HandlerOptions extends AccessOptions {
  /** Largest JSON body in bytes. Default 20 MiB. */
  readonly maxBodyBytes?: number;
  /** Largest `multipart/form-data` body in bytes. Default 50 MiB. */
  readonly maxFormBytes?: number;
  /** Time in which a body must have arrived. Default 60,000. */
  readonly bodyTimeoutMs?: number;
  /** Most header fields in a request. Default 100. */
  readonly maxHeaders?: number;
  /** Values of `Host` that are served: lower case, without port. Default: any. */
  readonly allowedHosts?: readonly string[];
  /** Silence in a stream after which a heartbeat is sent. 0: never. Default 15,000. */
  readonly heartbeatMs?: number;
  /**
   * Also send heartbeats before the first event. The first one commits the response to status 200: an error that
   * follows arrives as an error event. Default true.
   */
  readonly earlyHeartbeat?: boolean;
  /** A reader that takes nothing for so long is cut off. 0: never. Default 60,000. */
  readonly stallTimeoutMs?: number;
  /** Serve `/health/liveliness`, `/health/liveness` and `/health/readiness`. Default true. */
  readonly health?: boolean;
  /** Status of `budget_exceeded`: 422 for clients that repeat whatever is 429. Default 429. */
  readonly budgetExceededStatus?: 422 | 429;
  /**
   * Tells who is calling, for applications that know already. The gateway's own authenticator is then not asked.
   * Throw a `GatewayError` (`invalid_api_key`, `account_blocked`, …) to refuse.
   */
  readonly principal?: (request: IncomingMessage) => Principal | Promise<Principal>;
  /**
   * Receives failures that are ours (`internal_error`). Default: they are published on the `diagnostics_channel` named
   * `signalbox:internal-error`, and written to the standard error stream when nobody listens there.
   */
  readonly onError?: (report: ErrorReport) => void;
}

/** Options with their defaults filled in. */
export interface Settings extends AccessOptions {
  readonly maxBodyBytes: number;
  readonly maxFormBytes: number;
  readonly bodyTimeoutMs: number;
  readonly maxHeaders: number;
  readonly allowedHosts: readonly string[] | undefined;
  readonly heartbeatMs: number;
  readonly earlyHeartbeat: boolean;
  readonly stallTimeoutMs: number;
  readonly health: boolean;
  readonly budgetExceededStatus: number;
  readonly principal: HandlerOptions["principal"];
  readonly onError: HandlerOptions["onError"];
}

const MEBIBYTE = 1024 * 1024;

/** The first is that of the error contract. */
const BUDGET_STATUSES = [429, 422] as const;

const DEFAULTS: Settings = {
  maxBodyBytes: 20 * MEBIBYTE,
  maxFormBytes: 50 * MEBIBYTE,
  bodyTimeoutMs: 60_000,
  maxHeaders: 100,
  allowedHosts: undefined,
  heartbeatMs: 15_000,
  earlyHeartbeat: true,
  stallTimeoutMs: 60_000,
  health: true,
  budgetExceededStatus: BUDGET_STATUSES[0],
  principal: undefined,
  onError: undefined,
  requireUser: false,
  refuseTags: false,
};

const LISTS: readonly string[] = ACCESS_LISTS;
const NAMES = [...Object.keys(DEFAULTS), ...LISTS];

/** @throws {GatewayError} `option_invalid` naming the option and what it must be */
export function handlerSettings(options: HandlerOptions): Settings {
  const settings: Record<string, unknown> = { ...DEFAULTS };
  for (const [name, value] of Object.entries(options)) {
    if (!NAMES.includes(name)) throw invalid(`unknown option ${JSON.stringify(name)}.${didYouMean(name, NAMES)}`);
    if (value === undefined) continue;
    const preset = settings[name];
    if (typeof preset === "number" && !isCount(value)) throw invalid(`${name} must be a number, 0 or more`);
    if (LISTS.includes(name) && !isListOfTexts(value)) throw invalid(`${name} must be a list of texts`);
    if (typeof preset === "boolean" && typeof value !== "boolean") throw invalid(`${name} must be true or false`);
    settings[name] = value;
  }
  if (!BUDGET_STATUSES.some((status) => status === settings["budgetExceededStatus"])) {
    throw invalid(`budgetExceededStatus must be ${BUDGET_STATUSES.join(" or ")}`);
  }
  return settings as unknown as Settings;
}

function isListOfTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === "string" && each !== "");
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function invalid(message: string): GatewayError {
  return new GatewayError("option_invalid", message, { source: "express" });
}
