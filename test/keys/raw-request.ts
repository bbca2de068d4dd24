import { once } from "node:events";
import { connect } from "node:net";

/** Sends bytes that no HTTP client would, and answers the status and the body of what comes back. */
export async function rawRequest(
  url: string,
  text: string,
): Promise<{ readonly status: number; readonly body: string; readonly whole: string }> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  let received = "";
  socket.on("data", (bytes) => {
    received += bytes.toString("utf8");
  });
  socket.write(text, "latin1");
  await once(socket, "close");
  const mark = received.indexOf("\r\n\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(received)?.[1]);
  return { status, body: mark < 0 ? "" : received.slice(mark + 4), whole: received };
}
