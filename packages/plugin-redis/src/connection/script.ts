import { createHash } from "node:crypto";

/** A Lua program that runs in Redis, as one step. */
export class Script {
  readonly text: string;
  /** What Redis knows it by once it has seen it. */
  readonly hash: string;

  constructor(text: string) {
    this.text = text;
    this.hash = createHash("sha1").update(text).digest("hex");
  }
}
