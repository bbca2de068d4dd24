// Preloaded into every program that is measured: answers what the parent process asks.

interface Question {
  readonly id: number;
  readonly question: string;
  readonly detail?: unknown;
}

type Answerer = (detail: never) => unknown;

const answers = new Map<string, Answerer>([["usage", usage]]);

/** Answers one more question of the parent process. */
export function answer<Detail>(question: string, answerer: (detail: Detail) => unknown): void {
  answers.set(question, answerer as Answerer);
}

/** Tells the parent that this program can be used. */
export function ready(port: number): void {
  process.send?.({ port });
}

function usage(): { cpuMs: number; rssBytes: number } {
  const { user, system } = process.cpuUsage();
  return { cpuMs: (user + system) / 1000, rssBytes: process.memoryUsage.rss() };
}

process.on("message", async ({ id, question, detail }: Question) => {
  try {
    const answerer = answers.get(question);
    if (answerer === undefined) throw new Error(`nobody answers ${JSON.stringify(question)}`);
    process.send?.({ id, value: await answerer(detail as never) });
  } catch (error) {
    process.send?.({ id, error: String(error) });
  }
});
// the parent is gone
process.on("disconnect", () => process.exit());
