import { readFileSync } from "node:fs";

/** How long one tick of the kernel's processor accounting is. */
const TICK_MS = 10;

/** Processor time of everything on this machine so far, in milliseconds; undefined where the system does not tell. */
export function busyMs(): number | undefined {
  const line = readLine("/proc/stat");
  if (line === undefined) return undefined;
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line.split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq + steal) * TICK_MS;
}

/** Processor time of one process so far. */
export function processMs(pid: number): number {
  const fields = readLine(`/proc/${pid}/stat`)?.split(") ")[1]?.split(" ");
  return fields === undefined ? 0 : (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

function readLine(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").split("\n", 1)[0];
  } catch {
    return undefined;
  }
}
