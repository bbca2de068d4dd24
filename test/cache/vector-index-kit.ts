import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import type { Recording } from "@signalbox/kernel";
import type { VectorIndex } from "@signalbox/plugin-cache-semantic";

const DIMENSIONS = 64;

/** A direction, and one that is near to it: the same but for a little of something else. */
export function direction(seed: number, little: number = 0): Float32Array {
  const vector = Float32Array.from(
    { length: DIMENSIONS },
    (_, at) => Math.sin(seed * 97 + at * 13) + little * Math.cos(at),
  );
  const length = Math.hypot(...vector);
  return vector.map((each) => each / length);
}

export function answered(text: string, fields: Partial<Recording> = {}): Recording {
  const choices = [{ index: 0, content: [{ type: "text", text }], finishReason: "stop" }];
  const usage = { inputTokens: 1, outputTokens: 1, reportedCost: 9_007_199_254_740_993n };
  const result = { id: "r", model: "m", createdAt: 1, choices, usage };
  return { operation: "chat", result: result as never, storedAt: Date.now(), ...fields };
}

export interface VectorIndexKit {
  /** Made anew for every case; may share a store. `perBucket` is how many a bucket holds at most. */
  readonly index: (perBucket?: number) => Promise<VectorIndex>;
}

/** What every `VectorIndex` promises. */
export function testVectorIndex({ index }: VectorIndexKit): void {
  const bucket = (): string => randomUUID();

  it("finds nothing in an empty bucket, and nothing of another one", async () => {
    const [one, other] = [bucket(), bucket()];
    const made = await index();
    expect(await made.nearest(one, direction(1))).toBeUndefined();
    await made.add(one, direction(1), answered("one"));
    expect(await made.nearest(other, direction(1))).toBeUndefined();
  });

  it("finds the most alike, whole, with the exact cosine", async () => {
    const [name, made] = [bucket(), await index()];
    const kept = answered("near", { namespace: "n", tags: ["t"] });
    for (let seed = 1; seed <= 20; seed++)
      await made.add(name, direction(seed), seed === 7 ? kept : answered(`${seed}`));
    const asked = direction(7, 0.05);
    const found = await made.nearest(name, asked);
    expect(found?.recording).toEqual(kept);
    const cosine = direction(7).reduce((sum, each, at) => sum + each * (asked[at] as number), 0);
    expect(found?.similarity).toBeCloseTo(cosine, 5);
    expect(found?.similarity).toBeLessThan(1);
  });

  it("tells apart what is near to each other", async () => {
    const [name, made] = [bucket(), await index()];
    for (const little of [0, 0.1, 0.2, 0.3]) await made.add(name, direction(3, little), answered(String(little)));
    for (const little of [0, 0.1, 0.2, 0.3]) {
      const found = await made.nearest(name, direction(3, little));
      expect(found?.recording.result).toMatchObject({ choices: [{ content: [{ text: String(little) }] }] });
    }
  });

  it("answers with the newest of the same question", async () => {
    const [name, made] = [bucket(), await index()];
    for (const text of ["old", "new"]) await made.add(name, direction(1), answered(text));
    expect((await made.nearest(name, direction(1)))?.recording.result).toMatchObject({
      choices: [{ content: [{ text: "new" }] }],
    });
  });

  it("never finds what has expired, nor vectors of another dimension", async () => {
    const [name, made] = [bucket(), await index()];
    await made.add(name, direction(1), answered("soon over", { expiresAt: Date.now() + 60 }));
    await made.add(name, direction(2), answered("lasts"));
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect((await made.nearest(name, direction(1)))?.recording.result).toMatchObject({
      choices: [{ content: [{ text: "lasts" }] }],
    });
    expect(await made.nearest(name, new Float32Array([1, 0, 0]))).toBeUndefined();
  });

  it("removes one, and clears by id, namespace, tag and all", async () => {
    const [name, made] = [bucket(), await index()];
    await made.add(name, direction(1), answered("1", { namespace: "one", tags: ["x"] }));
    await made.add(name, direction(2), answered("2", { namespace: "one" }));
    await made.add(name, direction(3), answered("3", { tags: ["x"] }));
    await made.add(name, direction(4), answered("4"));
    await made.add(name, direction(5), answered("5"));
    const idOf = async (seed: number): Promise<string> => {
      const found = await made.nearest(name, direction(seed));
      if (found === undefined || found.similarity < 0.999) throw new Error(`${seed} is not there`);
      return found.id;
    };
    await made.remove(name, await idOf(5));
    await expect(idOf(5)).rejects.toThrow("not there");
    expect(await made.clear({ keys: [await idOf(4), "unknown", `${name}.unknown`] })).toBe(1);
    await expect(idOf(4)).rejects.toThrow("not there");
    expect(await made.clear({ namespace: "one", tag: "x" })).toBe(1);
    await expect(idOf(1)).rejects.toThrow("not there");
    expect(await made.clear({ tag: "x" })).toBe(1);
    expect(await made.clear({})).toBe(1);
    expect(await made.nearest(name, direction(2))).toBeUndefined();
  });

  it("holds as many as it may, the newest of them", async () => {
    const [name, made] = [bucket(), await index(5)];
    for (let seed = 1; seed <= 12; seed++) {
      await made.add(name, direction(seed), answered(String(seed)));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const there: number[] = [];
    for (let seed = 1; seed <= 12; seed++) {
      if (((await made.nearest(name, direction(seed)))?.similarity ?? 0) > 0.999) there.push(seed);
    }
    expect(there).toEqual([8, 9, 10, 11, 12]);
  });
}
