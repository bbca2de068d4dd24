import type { ResourceRoute } from "@signalbox/kernel";
import type { Sources } from "../sources.ts";
import { activityRoutes } from "./activity.ts";
import { costRoutes } from "./cost.ts";
import { dailyActivityRoutes } from "./daily-activity.ts";
import { globalSpendRoutes } from "./global-spend.ts";
import { logRoutes } from "./logs.ts";
import { spendReportRoute } from "./spend-report.ts";
import { topSpenderRoutes } from "./top-spenders.ts";

/** @param sources undefined until the gateway has started */
export function spendRoutes(sources: () => Sources | undefined): readonly ResourceRoute[] {
  return [
    ...logRoutes,
    ...topSpenderRoutes,
    ...costRoutes,
    ...globalSpendRoutes,
    spendReportRoute,
    ...activityRoutes,
    ...dailyActivityRoutes,
  ].map((make) => make(sources));
}
