import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Cache, Call, OperationName, Recording } from "@signalbox/kernel";
import { cacheKey, decodeRecording, encodeRecording } from "@signalbox/kernel";

const DEFAULT_LIFE_MS = 3_600_000;

/** Keeps each answer in a file of its own: slow, and still there after a restart. */
export function fileCache(directory: string): Cache {
  const pathOf = (call: unknown): string => join(directory, `${cacheKey(call as Call)}.json`);
  return {
    async find<Name extends OperationName>(call: Call<Name>) {
      const bytes = await readFile(pathOf(call)).catch(() => undefined);
      if (bytes === undefined) return undefined;
      const recording = decodeRecording(bytes) as unknown as Recording<Name>;
      const { storedAt, expiresAt = storedAt + DEFAULT_LIFE_MS } = recording;
      return expiresAt > Date.now() ? recording : undefined;
    },
    async keep(call, recording) {
      const path = pathOf(call);
      await mkdir(directory, { recursive: true });
      // whoever reads at this moment sees the whole old file or the whole new one
      const draft = `${path}.${call.id}`;
      await writeFile(draft, encodeRecording(recording as unknown as Recording));
      await rename(draft, path);
    },
    async forget(call) {
      await rm(pathOf(call), { force: true });
    },
  };
}
