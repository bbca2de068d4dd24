// An upstream in a process of its own: what it charges for which attempt is in its file before it answers anything.

import { openSync, writeSync } from "node:fs";
import { openCharging } from "../../budgets/charging-upstream.ts";
import { ready } from "../../probe.ts";

const UNSEEN_WORDS = 2;

const file = openSync(process.argv[2] ?? "", "a");
const upstream = await openCharging({
  charged: (id, nano) => void writeSync(file, `${id} ${nano}\n`),
  unseenWords: UNSEEN_WORDS,
});
ready(Number(new URL(upstream.url).port));
