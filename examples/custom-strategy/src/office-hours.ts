import type { Strategy } from "@signalbox/kernel";

export function officeHours(clock: () => Date = () => new Date()): Strategy {
  return {
    name: "office-hours",
    *order(_call, candidates) {
      const hour = clock().getUTCHours();
      const awake = hour >= 7 && hour < 19 ? "eu" : "us";
      yield* candidates.filter(({ region }) => region === awake);
      yield* candidates.filter(({ region }) => region !== awake);
    },
  };
}
