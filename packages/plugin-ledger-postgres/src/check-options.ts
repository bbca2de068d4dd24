import { z } from "zod";
import { didYouMean, GatewayError } from "@signalbox/kernel";

const LONGEST_MS = 3_600_000;
const milliseconds = z.int().min(1).max(LONGEST_MS);

const schema = z.strictObject({
  url: z.string().min(1),
  pool: z.int().min(1).max(1_000).exactOptional(),
  connectTimeoutMs: milliseconds.exactOptional(),
  statementTimeoutMs: milliseconds.exactOptional(),
  schema: z
    .string()
    .regex(/^[a-z_][a-z0-9_]{0,39}$/, "lower-case letters, digits and underscores, at most 40")
    .exactOptional(),
  ssl: z.union([z.boolean(), z.looseObject({})]).exactOptional(),
  onUnreachable: z.enum(["fail", "wait"]).exactOptional(),
  reservations: z.boolean().exactOptional(),
  spoolDirectory: z.string().min(1).exactOptional(),
  leaseMs: milliseconds.min(1_000).exactOptional(),
  retentionMonths: z.int().min(1).max(1_200).exactOptional(),
});

/** @throws {GatewayError} `option_invalid` naming the option, and never what a URL holds */
export function checkOptions(options: unknown): void {
  const checked = schema.safeParse(options);
  if (!checked.success) {
    const issue = checked.error.issues[0] as z.core.$ZodIssue;
    const path = issue.path.map(String);
    if (issue.code === "unrecognized_keys") {
      const name = issue.keys[0] as string;
      const known = didYouMean(name, Object.keys(schema.shape));
      throw invalid(`there is no option ${JSON.stringify(name)}.${known}`, name);
    }
    throw invalid(`"${path.join(".")}": ${issue.message}`, path.join("."));
  }
  if (!/^postgres(ql)?:$/.test(URL.parse(checked.data.url)?.protocol ?? "")) {
    throw invalid('"url": not of the form postgres://user:password@host:5432/database', "url");
  }
}

function invalid(message: string, param: string): GatewayError {
  return new GatewayError("option_invalid", `ledger-postgres: ${message}`, { param, source: "ledger-postgres" });
}
