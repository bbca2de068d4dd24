import { setTimeout as sleep } from "node:timers/promises";

/** How a crowd of clients fared. */
export interface Fares {
  served: number;
  /** By a budget. */
  refused: number;
  /** By the client, in the middle. */
  left: number;
  /** For any other reason: no ledger, a gateway that was killed. */
  failed: number;
}

export interface CrowdOptions {
  readonly clients: number;
  readonly callers: readonly string[];
  /** Share of calls whose client leaves at a random moment. */
  readonly leaving: number;
  /** When those leave, at random up to this. Default 150 milliseconds. */
  readonly leaveWithinMs?: number;
  /** How many calls all clients make together, in place of going on until it is over. */
  readonly calls?: number;
  /** What a call asks for. Default: some words, soon. */
  readonly wish?: () => Wish;
}

/** One call: the words of its message (`words=12 gap=3 wait=10`), and the bound of its answer. */
export interface Wish {
  readonly content: string;
  readonly maxTokens: number;
  readonly stream: boolean;
}

/** Whoever knows a gateway that can be called. */
interface Door {
  port(): number | undefined;
}

/** After a refusal or a failure. */
const PAUSE_MS = 20;
/** A call that takes longer has been forgotten. */
const PATIENCE_MS = 90_000;

/** Clients that call, with streams and without, and leave as they please, until `over` resolves. */
export async function crowd(door: Door, options: CrowdOptions, over: Promise<unknown>): Promise<Fares> {
  const fares: Fares = { served: 0, refused: 0, left: 0, failed: 0 };
  let ended = false;
  let begun = 0;
  const most = options.calls;
  void over.then(() => {
    ended = true;
  });
  const client = async (): Promise<void> => {
    while (most === undefined ? !ended : begun < most) {
      const port = door.port();
      if (port === undefined) await sleep(PAUSE_MS);
      else {
        begun++;
        const outcome = await call(port, options);
        fares[outcome]++;
        if (outcome === "refused" || outcome === "failed") await sleep(PAUSE_MS);
      }
    }
  };
  await Promise.all(Array.from({ length: options.clients }, client));
  return fares;
}

async function call(
  port: number,
  { callers, leaving, leaveWithinMs = 150, wish = someWords }: CrowdOptions,
): Promise<keyof Fares> {
  const caller = callers[below(callers.length)] as string;
  const leaves = Math.random() < leaving;
  const leave = new AbortController();
  const timer = setTimeout(() => leave.abort(), leaves ? below(leaveWithinMs) : PATIENCE_MS);
  const { content, maxTokens, stream } = wish();
  try {
    const response = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${caller}`, "content-type": "application/json" },
      body: JSON.stringify({
        model: "paid",
        max_tokens: maxTokens,
        stream,
        messages: [{ role: "user", content }],
      }),
      signal: leave.signal,
    });
    await response.text();
    if (response.status === 200) return "served";
    return response.status === 429 ? "refused" : "failed";
  } catch {
    return leave.signal.aborted && leaves ? "left" : "failed";
  } finally {
    clearTimeout(timer);
  }
}

function someWords(): Wish {
  const content = `words=${5 + below(30)} gap=${below(6)} wait=${below(25)}`;
  return { content, maxTokens: 40, stream: Math.random() < 0.5 };
}

function below(limit: number): number {
  return Math.floor(Math.random() * limit);
}
