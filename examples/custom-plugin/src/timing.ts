import type { Layer, Plugin } from "@signalbox/kernel";

export function timing(record: (operation: string, durationMs: number) => void): Plugin {
  const timed: Layer = async function* timed(call, next) {
    const startedAt = performance.now();
    try {
      return yield* next(call);
    } finally {
      record(call.operation, performance.now() - startedAt);
    }
  };
  return { name: "timing", layers: { edge: { layer: timed, events: "pass" } } };
}
