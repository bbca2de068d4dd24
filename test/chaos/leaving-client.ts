import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** What a client asks for, and when it leaves. */
export interface Visit {
  /** Stands in the message, so that the upstream knows the request again. */
  readonly id: string;
  readonly model: string;
  readonly stream: boolean;
  /** After so many milliseconds, or when so many events have come; whichever is given. Neither: it stays to the end. */
  readonly leaveAfterMs?: number;
  readonly leaveAfterEvents?: number;
  /** Leaves with a reset instead of an orderly close. */
  readonly reset?: boolean;
}

export interface VisitOutcome {
  /** On the scale of `performance.now()`. Undefined: the reply was complete before. */
  readonly leftAt: number | undefined;
  readonly received: string;
}

/** Sends one chat request on a connection of its own and leaves as it was told. */
export async function visit(port: number, key: string, { id, model, stream, ...plan }: Visit): Promise<VisitOutcome> {
  const body = JSON.stringify({
    model,
    ...(stream && { stream }),
    max_tokens: 100,
    messages: [{ role: "user", content: `Count slowly, this is ${id}` }],
  });
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  let received = "";
  let events = 0;
  let leftAt: number | undefined;
  const closed = once(socket, "close").catch(() => undefined);
  const leave = (): void => {
    if (leftAt !== undefined || socket.destroyed) return;
    leftAt = performance.now();
    if (plan.reset === true) socket.resetAndDestroy();
    else socket.destroy();
  };
  socket.on("error", () => undefined);
  socket.on("data", (bytes) => {
    const text = bytes.toString("latin1");
    received += text;
    events += text.split("data: ").length - 1;
    if (plan.leaveAfterEvents !== undefined && events >= plan.leaveAfterEvents) leave();
    else if (complete(received)) socket.destroy();
  });
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${key}\r\n` +
      `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  if (plan.leaveAfterMs !== undefined) await Promise.race([sleep(plan.leaveAfterMs).then(leave), closed]);
  await closed;
  return { leftAt, received };
}

function complete(received: string): boolean {
  const headEnd = received.indexOf("\r\n\r\n");
  if (headEnd < 0) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(received.slice(0, headEnd));
  return length === null ? received.endsWith("0\r\n\r\n") : received.length >= headEnd + 4 + Number(length[1]);
}
