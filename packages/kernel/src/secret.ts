import { inspect } from "node:util";

const MASK = "[secret]";

/** A credential that no log, error or JSON shows by accident. */
export class Secret {
  static {
    Object.defineProperty(Secret.prototype, inspect.custom, { value: () => MASK });
  }

  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The plain text, for the one place that sends it. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }
}
