import { hash } from "node:crypto";
import type { Recording } from "@signalbox/kernel";

/** The names of everything that the index keeps in Redis. No two of them share a slot on purpose. */
export class IndexKeys {
  readonly prefix: string;

  constructor(namespace: string) {
    this.prefix = `${namespace}:semantic:`;
  }

  /** A hash: id to vector. */
  vectors(bucket: string): string {
    return `${this.prefix}v:${bucket}`;
  }

  /** Ids begin with their bucket and a point. */
  answer(id: string): string {
    return `${this.prefix}a:${id}`;
  }

  /** The ids of a namespace. Hashed: the words are the clients'. */
  ofNamespace(name: string): string {
    return `${this.prefix}n:${hash("sha256", name, "base64url")}`;
  }

  ofTag(tag: string): string {
    return `${this.prefix}t:${hash("sha256", tag, "base64url")}`;
  }

  setsOf({ namespace, tags = [] }: Pick<Recording, "namespace" | "tags">): readonly string[] {
    return [...(namespace === undefined ? [] : [this.ofNamespace(namespace)]), ...tags.map((tag) => this.ofTag(tag))];
  }
}
