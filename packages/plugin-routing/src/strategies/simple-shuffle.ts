import type { Deployment, Strategy } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { StrategyParts } from "./choice.ts";
import { choosing } from "./choice.ts";

/** What shares are made of, the first of these that the deployments have. */
const SHARES = ["weight", "rpm", "tpm"] as const;

/**
 * Weighted random without replacement: by `weight`, else by `rpm`, else by `tpm`, else all alike. What has no share is
 * tried when nothing else is left.
 */
export function simpleShuffle({ random }: Pick<StrategyParts, "random">): Strategy {
  return choosing<number>({
    name: "simple-shuffle",
    prepare(candidates) {
      const share = SHARES.find((name) => candidates.every((deployment) => deployment[name] !== undefined));
      return candidates.map((deployment) => (share === undefined ? 1 : (deployment[share] ?? 1)));
    },
    choose(_call, weights) {
      let total = 0;
      for (let at = 0; at < weights.length; at++) total += weights[at] as number;
      if (total <= 0) return Math.floor(random() * weights.length);
      let left = random() * total;
      let chosen = 0;
      for (let at = 0; at < weights.length; at++) {
        const weight = weights[at] as number;
        if (weight <= 0) continue;
        chosen = at;
        left -= weight;
        if (left < 0) break;
      }
      return chosen;
    },
  });
}

/**
 * Checks what the shuffle makes shares of, for the deployments of one model that one caller can see.
 *
 * @throws {GatewayError} `deployment_invalid` naming the model, the deployments and the remedy
 */
export function checkShares(model: string, deployments: readonly Deployment[]): void {
  for (const share of SHARES) {
    const having = deployments.filter((deployment) => deployment[share] !== undefined);
    if (having.length === 0) continue;
    const lacking = deployments.filter((deployment) => deployment[share] === undefined);
    if (lacking.length > 0) {
      const problem = `${named(having)} ${verb(having, "has", "have")} ${share}, ${named(lacking)} ${verb(lacking, "does", "do")} not`;
      throw invalid(model, problem, `give all deployments of the model ${share}, or none of them${otherWay(share)}`);
    }
    for (const deployment of having) {
      const value = deployment[share] as number;
      if (Number.isFinite(value) && value >= 0) continue;
      throw invalid(model, `${share} of ${named([deployment])} is ${value}`, "make it a number from 0 up");
    }
    for (const level of levelsOf(having)) {
      const sum = level.reduce((total, deployment) => total + (deployment[share] as number), 0);
      if (sum > 0 && Number.isFinite(sum)) continue;
      const problem = `${share} of ${named(level)} sums to ${sum}`;
      throw invalid(model, problem, `give at least one of them ${share} above 0, and none an immense one`);
    }
    return;
  }
}

function otherWay(share: (typeof SHARES)[number]): string {
  return share === "weight" ? "" : "; or give all of them a weight, which then says how calls are shared";
}

function levelsOf(deployments: readonly Deployment[]): Iterable<readonly Deployment[]> {
  return Map.groupBy(deployments, ({ order = 0 }) => order).values();
}

function named(deployments: readonly Deployment[]): string {
  const ids = deployments.map(({ id }) => JSON.stringify(id)).join(", ");
  return `${deployments.length === 1 ? "deployment" : "deployments"} ${ids}`;
}

function verb(deployments: readonly Deployment[], one: string, several: string): string {
  return deployments.length === 1 ? one : several;
}

function invalid(model: string, problem: string, remedy: string): GatewayError {
  return new GatewayError("deployment_invalid", `model ${JSON.stringify(model)}: ${problem}; ${remedy}`, {
    param: "deployments",
    source: "routing",
  });
}
