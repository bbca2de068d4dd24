// `npm run chaos -- NAME`: drives a gateway through one kind of trouble and checks what is left afterwards.
import { readdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { conclude } from "../checks.ts";
import { ChildProgram } from "../child-program.ts";
import type { Scenario } from "./scenario.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "string" },
    long: { type: "boolean", default: false },
    only: { type: "string", multiple: true },
    help: { type: "boolean", default: false },
  },
});
const names = readdirSync(new URL("scenarios/", import.meta.url)).map((file) => file.replace(/\.ts$/, ""));
const [name = ""] = positionals;

if (values.help || !names.includes(name) || positionals.length > 1) {
  console.log("npm run chaos -- NAME [--long] [--only ROUND] [--json FILE]\n");
  for (const each of names) console.log(`  ${each.padEnd(12)} ${(await load(each)).about}`);
  if (!values.help) process.exitCode = 2;
} else {
  const scenario = await load(name);
  console.log(`${name}: ${scenario.about}`);
  try {
    conclude(await scenario.run({ long: values.long, only: values.only }), values.json);
  } finally {
    await ChildProgram.stopAll();
  }
}

async function load(which: string): Promise<Scenario> {
  const loaded = (await import(new URL(`scenarios/${which}.ts`, import.meta.url).href)) as { scenario: Scenario };
  return loaded.scenario;
}
