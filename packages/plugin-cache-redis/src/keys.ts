import { hash } from "node:crypto";

/** The names of everything that the cache keeps in Redis. No two of them share a slot on purpose. */
export class Keys {
  readonly prefix: string;

  constructor(namespace: string) {
    this.prefix = `${namespace}:cache:`;
  }

  answer(key: string): string {
    return `${this.prefix}a:${key}`;
  }

  claim(key: string): string {
    return `${this.prefix}c:${key}`;
  }

  /** The keys of the answers of a namespace. Hashed: the words are the clients'. */
  ofNamespace(name: string): string {
    return `${this.prefix}n:${hash("sha256", name, "base64url")}`;
  }

  ofTag(tag: string): string {
    return `${this.prefix}t:${hash("sha256", tag, "base64url")}`;
  }
}
