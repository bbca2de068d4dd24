import { connectionsSpoiled } from "../money/cut-rounds.ts";
import { ended } from "../money/large-rounds.ts";
import { manyProcesses } from "../money/many-processes.ts";
import { KILLS, oneProcess } from "../money/one-process.ts";
import { printReports, roundChecks } from "../money/report.ts";
import { diskFull, kills, postgresRestarted, redisRestarted, redisWiped, suspended } from "../money/rounds.ts";
import type { Scenario } from "../scenario.ts";

const PROCESSES = 4;

export const scenario: Scenario = {
  about: "gateways with hard budgets are killed, cut off and robbed of their stores; the upstream keeps its own bill",
  async run({ long, only }) {
    const checks = [];
    if (only === undefined) checks.push(...(await oneProcess(KILLS)));
    if (long || only !== undefined) {
      const all = [
        kills(50),
        redisRestarted,
        redisWiped,
        postgresRestarted,
        connectionsSpoiled(),
        suspended,
        diskFull,
        ended,
      ];
      const reports = await manyProcesses(
        all.filter(({ name }) => only === undefined || only.includes(name)),
        PROCESSES,
      );
      printReports(reports);
      checks.push(...reports.flatMap(roundChecks));
    }
    return checks;
  },
};
