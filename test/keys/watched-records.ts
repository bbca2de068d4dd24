import { MemoryRecords } from "@signalbox/kernel/testkit";

/** A store in memory that counts how often it is asked, and does not answer when it is told not to. */
export function watchedRecords(): {
  readonly store: MemoryRecords;
  readonly reads: () => number;
  readonly broken: { reads: boolean };
} {
  const store = new MemoryRecords();
  const broken = { reads: false };
  let reads = 0;
  const open = store.open.bind(store);
  store.open = async (definition) => {
    const collection = await open<never>(definition);
    return new Proxy(collection, {
      get(target, name) {
        const member = Reflect.get(target, name) as unknown;
        if (typeof member !== "function") return member;
        return (...values: readonly unknown[]) => {
          if (name === "get" || name === "find" || name === "list") {
            reads++;
            if (broken.reads) return Promise.reject(new Error("connection refused"));
          }
          return member.apply(target, values) as unknown;
        };
      },
    }) as never;
  };
  return { store, reads: () => reads, broken };
}
