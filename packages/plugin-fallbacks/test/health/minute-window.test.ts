import fc from "fast-check";
import { expect, it } from "vitest";
import { MinuteWindow } from "../../src/health/minute-window.ts";

it("counts what happened in this and the eleven steps of five seconds before", () => {
  const happening = fc.record({ kind: fc.nat(2), after: fc.oneof(fc.nat(3_000), fc.nat(30_000), fc.nat(200_000)) });
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.array(happening, { maxLength: 60 }), (start, happenings) => {
      const window = new MinuteWindow(3);
      const seen: { readonly kind: number; readonly step: number }[] = [];
      let now = start;
      for (const { kind, after } of happenings) {
        now += after;
        const step = Math.floor(now / 5_000);
        window.add(kind, now);
        seen.push({ kind, step });
        for (const asked of [0, 1, 2]) {
          const expected = seen.filter((each) => each.kind === asked && each.step > step - 12).length;
          expect(window.count(asked, now)).toBe(expected);
        }
      }
    }),
  );
});

it("forgets without being asked in between", () => {
  const window = new MinuteWindow(1);
  window.add(0, 12_000);
  expect([window.count(0, 69_999), window.count(0, 70_000)]).toEqual([1, 0]);
});
