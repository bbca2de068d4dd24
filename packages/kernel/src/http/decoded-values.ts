import type { TransportStream } from "../transport.ts";

/** Takes bytes in any cut; answers the values that they complete. */
interface StreamDecoder<T> {
  push(bytes: Buffer): Iterable<T>;
  /** The stream is over. */
  end(): Iterable<T>;
}

/** The values of a streamed response. The stream is closed when the reader stops, fails or reaches the end. */
export async function* decodedValues<T>(
  stream: TransportStream,
  decoder: StreamDecoder<T>,
): AsyncGenerator<T, void, void> {
  try {
    for (;;) {
      const bytes = await stream.read();
      yield* bytes === undefined ? decoder.end() : decoder.push(bytes);
      if (bytes === undefined) return;
    }
  } finally {
    stream.close();
  }
}
