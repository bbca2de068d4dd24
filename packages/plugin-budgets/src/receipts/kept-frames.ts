import type { FrameDecoder, NativeFrame } from "@signalbox/kernel";

/** Kept per reply before frames are read on the way. */
const MOST_BYTES = 256 * 1024;

/**
 * Frames that nobody has read yet. Whoever reads them, here or further out, each is decoded once: frames travel on with a
 * decoder that counts what others read with it.
 */
export class KeptFrames {
  readonly #count: (event: unknown) => void;
  #frames: Buffer[] = [];
  #bytes = 0;
  #decoder: CountingDecoder | undefined;
  /** Bounds the tokens of frames that could not be read on the way. */
  #over = 0;

  constructor(count: (event: unknown) => void) {
    this.#count = count;
  }

  keep(frame: NativeFrame): NativeFrame {
    this.#decoder ??= new CountingDecoder(frame.decoder, this.#count);
    const decoder = this.#decoder;
    if (decoder.used) {
      // somebody further out reads, and has read what was kept
      this.#frames.length = 0;
      this.#bytes = 0;
    } else if (this.#bytes + frame.bytes.length > MOST_BYTES) this.#over = this.readAll();
    this.#frames.push(frame.bytes);
    this.#bytes += frame.bytes.length;
    decoder.used = false;
    return { type: "frame", dialect: frame.dialect, bytes: frame.bytes, decoder };
  }

  /** Reads what nobody has read. Answers an upper bound for the tokens of frames that cannot be read. */
  readAll(): number {
    let unreadable = this.#over;
    this.#over = 0;
    if (this.#decoder?.used === false) {
      for (const bytes of this.#frames) if (!this.#decoder.count(bytes)) unreadable += bytes.length;
    }
    this.#frames = [];
    this.#bytes = 0;
    return unreadable;
  }
}

class CountingDecoder implements FrameDecoder<unknown, unknown> {
  readonly #inner: FrameDecoder<unknown, unknown>;
  readonly #count: (event: unknown) => void;
  /** The newest frame has been read by somebody else. */
  used = false;

  constructor(inner: FrameDecoder<unknown, unknown>, count: (event: unknown) => void) {
    this.#inner = inner;
    this.#count = count;
  }

  push(bytes: Buffer): readonly unknown[] {
    this.used = true;
    const events = this.#inner.push(bytes);
    for (const event of events) this.#count(event);
    return events;
  }

  end(): unknown {
    return this.#inner.end();
  }

  count(bytes: Buffer): boolean {
    try {
      for (const event of this.#inner.push(bytes)) this.#count(event);
      return true;
    } catch {
      // a damaged frame: its bytes bound what it said
      return false;
    }
  }
}
