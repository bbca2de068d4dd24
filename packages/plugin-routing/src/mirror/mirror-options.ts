import { z } from "zod";
import type { ModelTable } from "@signalbox/kernel";
import { didYouMean, GatewayError } from "@signalbox/kernel";
import { checkOptions, optionInvalid } from "../selectors/check-options.ts";

/** What becomes of copies of a model's calls. */
export interface MirrorOptions {
  /** The public model that answers the copies. It must have deployments of its own. */
  readonly to: string;
  /** Share of the calls that are copied, 0 to 100. */
  readonly percent: number;
  /** Most copies that run at the same time; those beyond it are not made. Default 10. */
  readonly maxParallel?: number;
  /** For a copy as a whole, streams included. Default 120,000. */
  readonly timeoutMs?: number;
}

const schema: z.ZodType<MirrorOptions> = z.strictObject({
  to: z.string().min(1),
  percent: z.number().min(0).max(100),
  maxParallel: z.int().positive().exactOptional(),
  timeoutMs: z.int().positive().max(2_147_483_647).exactOptional(),
});

/** @throws {GatewayError} `option_invalid` naming the path */
export function checkMirrorOptions(options: Readonly<Record<string, MirrorOptions>>): void {
  for (const [model, mirror] of Object.entries(options)) {
    const place = { path: `mirrors.${model}`, owner: `the mirror of ${JSON.stringify(model)}` };
    checkOptions(schema, mirror, place, ["to", "percent", "maxParallel", "timeoutMs"]);
    if (mirror.to === model) throw optionInvalid(place, "to", "names the model itself");
  }
}

/**
 * Refuses mirrors of and to models that do not exist: they would never do anything.
 *
 * @param selected models that only a selector stands behind
 * @throws {GatewayError} `deployment_invalid`
 */
export function checkMirrorModels(
  options: Readonly<Record<string, MirrorOptions>>,
  models: ModelTable,
  selected: Iterable<string>,
): void {
  const alone = new Set(selected);
  const check = (name: string, owner: string, selectable: boolean): void => {
    if (models.deployments(name).length > 0 || (selectable && alone.has(name))) return;
    const known = selectable ? [...models.names(), ...alone] : models.names();
    throw new GatewayError(
      "deployment_invalid",
      `${owner} ${JSON.stringify(name)}, which no deployment serves.${didYouMean(name, known)}`,
      { param: "mirrors", source: "routing" },
    );
  };
  for (const [model, { to }] of Object.entries(options)) {
    check(model, "there is a mirror of the model", true);
    check(to, `the mirror of ${JSON.stringify(model)} leads to the model`, false);
  }
}
