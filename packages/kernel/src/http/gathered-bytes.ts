/** Pieces up to this size are copied together once there are many of them. */
const SMALL_BYTES = 1024;
const FREE_PIECES = 64;
const BLOCK_BYTES = 16 * 1024;

/**
 * Bytes that arrive in pieces. The usual few are kept as they are; from then on small ones share blocks, because every
 * Buffer costs a hundred times the single byte that a hostile sender may put into each.
 */
export class GatheredBytes {
  #pieces: Buffer[] = [];
  #block: Buffer | undefined;
  #used = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(piece: Buffer): void {
    this.#length += piece.length;
    if (piece.length > SMALL_BYTES || this.#pieces.length < FREE_PIECES) {
      this.#closeBlock();
      this.#pieces.push(piece);
      return;
    }
    if (this.#used + piece.length > BLOCK_BYTES) this.#closeBlock();
    this.#block ??= Buffer.allocUnsafeSlow(BLOCK_BYTES);
    piece.copy(this.#block, this.#used);
    this.#used += piece.length;
  }

  /** Everything in one Buffer: the piece itself when there is only one. Nothing is left. */
  take(): Buffer {
    this.#closeBlock();
    const whole = this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces, this.#length);
    this.clear();
    return whole;
  }

  clear(): void {
    this.#pieces = [];
    this.#block = undefined;
    this.#used = 0;
    this.#length = 0;
  }

  #closeBlock(): void {
    if (this.#block === undefined) return;
    const bytes = this.#block.subarray(0, this.#used);
    // a block that is mostly empty is not kept for its few bytes
    this.#pieces.push(this.#used * 2 < BLOCK_BYTES ? Buffer.from(bytes) : bytes);
    this.#block = undefined;
    this.#used = 0;
  }
}
