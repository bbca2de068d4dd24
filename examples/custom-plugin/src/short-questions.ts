import type { Plugin } from "@signalbox/kernel";
import { isCall, textOf } from "@signalbox/kernel";

export function shortQuestions(options: {
  readonly model: string;
  readonly small: string;
  readonly large: string;
}): Plugin {
  const { model, small, large } = options;
  return {
    name: "short-questions",
    selectors: [
      {
        model,
        targets: [small, large],
        select(call) {
          const question = isCall(call, "chat") ? textOf(call.request.messages.at(-1)?.content ?? []) : "";
          const chosen = question.length < 200 ? small : large;
          call.trace.note("route", `${question.length} characters are for ${chosen}`);
          return chosen;
        },
      },
    ],
  };
}
