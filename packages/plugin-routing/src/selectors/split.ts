import { z } from "zod";
import type { Call, ModelSelector } from "@signalbox/kernel";
import { checkOptions, optionInvalid } from "./check-options.ts";
import { saltOf, stableShare } from "./stable-share.ts";

/** One way that calls can go. */
export interface SplitArm {
  /** Public model name; the name of the split itself may be one. */
  readonly model: string;
  /** 0 to 100; fractions are allowed. The arms' percentages sum to 100. */
  readonly percent: number;
}

/** Whose calls stay together: all calls of one key, user, team, customer, session or tag go to one arm. */
export type SplitSubject = "call" | "key" | "user" | "team" | "customer" | "session" | "tag";

/** Options of `split`: a canary, or an A/B test. */
export interface SplitOptions {
  /**
   * Each arm has a range of the subjects, in this order. A canary is grown by moving percents between two neighbours:
   * only the subjects between the old border and the new one change sides. Of three and more arms keep the order.
   */
  readonly arms: readonly SplitArm[];
  /** Default `"key"`. A call without such a subject is placed by its own id, and the trace says so. */
  readonly by?: SplitSubject;
  /**
   * Splits with the same salt put a subject at the same place. Default: the split's name, so that splits are
   * independent of one another.
   */
  readonly salt?: string;
}

const schema: z.ZodType<SplitOptions> = z.strictObject({
  arms: z.array(z.strictObject({ model: z.string().min(1), percent: z.number().min(0).max(100) })).min(1),
  by: z.enum(["call", "key", "user", "team", "customer", "session", "tag"]).exactOptional(),
  salt: z.string().exactOptional(),
});

/** 33.3 + 33.3 + 33.4 is not exactly 100 in floating point. */
const TOLERANCE = 1e-6;

const SUBJECTS: Readonly<Record<SplitSubject, (call: Call) => string | undefined>> = {
  call: (call) => call.id,
  // everyone without a key has the same id
  key: ({ principal }) =>
    principal.kind === "anonymous" || principal.kind === "application" ? undefined : principal.id,
  user: ({ principal }) => principal.userId,
  team: ({ principal }) => principal.teamId,
  customer: ({ options }) => options.endUserId,
  session: ({ options }) => options.sessionId,
  tag: ({ options, principal }) => options.tags?.[0] ?? principal.tags?.[0],
};

interface Range {
  /** Places below it, and not below the range before, belong to the arm. */
  readonly end: number;
  readonly model: string;
  readonly note: string;
  readonly noteWithoutSubject: string;
}

/**
 * Divides the calls of a public model among others in fixed shares. A subject keeps its arm: in every process, after
 * every restart, and as long as its range is not touched.
 *
 * ```ts
 * split("chat", { arms: [{ model: "gpt-5", percent: 95 }, { model: "gpt-6", percent: 5 }], by: "user" })
 * ```
 *
 * @throws {GatewayError} `option_invalid` naming the path
 */
export function split(model: string, options: SplitOptions): ModelSelector {
  const place = { path: `splits.${model}`, owner: `the split ${JSON.stringify(model)}` };
  checkOptions(schema, options, place, ["arms", "by", "salt", "model", "percent"]);
  const { arms, by = "key", salt = model } = options;
  const sum = arms.reduce((total, { percent }) => total + percent, 0);
  if (Math.abs(sum - 100) > TOLERANCE) {
    throw optionInvalid(place, "arms", `must sum to 100 percent, and sum to ${Number(sum.toFixed(6))}`);
  }
  for (const [index, arm] of arms.entries()) {
    if (arms.findIndex((other) => other.model === arm.model) === index) continue;
    throw optionInvalid(place, `arms[${index}].model`, `names ${JSON.stringify(arm.model)} a second time`);
  }

  const ranges: Range[] = [];
  let end = 0;
  for (const arm of arms) {
    end += arm.percent / 100;
    // an arm of 0 percent is a target that can be grown, but nobody goes there
    if (arm.percent === 0) continue;
    const chosen = `${arm.percent} % → ${JSON.stringify(arm.model)}`;
    ranges.push({
      end,
      model: arm.model,
      note: `split ${JSON.stringify(model)}: by ${by}, ${chosen}`,
      noteWithoutSubject: `split ${JSON.stringify(model)}: no ${by}, by call, ${chosen}`,
    });
  }
  const last = ranges.at(-1) as Range;
  const subjectOf = SUBJECTS[by];
  const salted = saltOf(salt);

  return {
    model,
    targets: arms.map((arm) => arm.model),
    select(call) {
      const subject = subjectOf(call) || undefined;
      const share = stableShare(subject ?? call.id, salted);
      const range = ranges.find((each) => share < each.end) ?? last;
      call.trace.note("route", subject === undefined ? range.noteWithoutSubject : range.note);
      return range.model;
    },
  };
}
