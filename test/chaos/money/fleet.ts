import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ChildProgram } from "../../child-program.ts";
import type { GatewayTask } from "./plan.ts";

/** How long a fresh process is let alone: it shall have something to lose. */
const YOUTH_MS = 300;

interface Member {
  readonly task: GatewayTask;
  program: ChildProgram | undefined;
  starting: Promise<void> | undefined;
  bornAt: number;
  /** Not to be called, nor killed. */
  away: boolean;
}

/** How processes have ended that were told to. */
export interface Exits {
  /** undefined: by a signal. */
  readonly codes: readonly (number | undefined)[];
  /** Until the last one was gone. */
  readonly ms: number;
}

/** Gateways in processes of their own that share everything but their spools. */
export class Fleet {
  readonly #members: readonly Member[];
  readonly #cache: string;
  #ending: Promise<Exits> | undefined;
  kills = 0;

  /** `cache`: where Node keeps what it has compiled, so that starts are quick. */
  constructor(tasks: readonly GatewayTask[], cache: string) {
    this.#members = tasks.map((task) => ({ task, program: undefined, starting: undefined, bornAt: 0, away: false }));
    this.#cache = cache;
  }

  get size(): number {
    return this.#members.length;
  }

  get tasks(): readonly GatewayTask[] {
    return this.#members.map(({ task }) => task);
  }

  /** Starts all that do not run. */
  async start(): Promise<void> {
    await Promise.all(this.#members.map((member) => this.#start(member)));
  }

  /** The port of one that can be called; undefined while none can. */
  port(): number | undefined {
    const able = this.#members.filter(({ program, away }) => program?.running === true && !away);
    return able[Math.floor(Math.random() * able.length)]?.program?.ready.port;
  }

  /** Kills one that has run for a while, and starts it again without waiting; false while all are too young. */
  killOne(): boolean {
    const old = this.#members.filter(
      ({ program, bornAt }) => program?.running === true && performance.now() - bornAt > YOUTH_MS,
    );
    const victim = old[Math.floor(Math.random() * old.length)];
    if (victim === undefined) return false;
    this.kills++;
    void this.#restart(victim);
    return true;
  }

  async killAll(): Promise<void> {
    await Promise.all(
      this.#members.map(async (member) => {
        await member.starting;
        await member.program?.stop();
        member.program = undefined;
      }),
    );
  }

  /** Stops the process for a time in the midst of everything, as a machine that is suspended does. */
  async suspend(index: number, forMs: number): Promise<void> {
    const member = this.#members[index] as Member;
    member.away = true;
    member.program?.signal("SIGSTOP");
    await sleep(forMs);
    member.program?.signal("SIGCONT");
    member.away = false;
  }

  /** Lets all end in good order, once. Answers their exit codes, and how long the slowest took. */
  end(): Promise<Exits> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<Exits> {
    const from = performance.now();
    const codes = await Promise.all(
      this.#members.map(async (member) => {
        await member.starting;
        member.program?.signal("SIGTERM");
        const code = await member.program?.ended();
        member.program = undefined;
        return code;
      }),
    );
    return { codes, ms: performance.now() - from };
  }

  /** Asks each one that runs. */
  async ask<Value>(question: string): Promise<readonly Value[]> {
    const running = this.#members.flatMap(({ program }) => (program?.running === true ? [program] : []));
    return await Promise.all(running.map((program) => program.ask<Value>(question)));
  }

  async #restart(member: Member): Promise<void> {
    await member.program?.stop();
    await this.#start(member);
  }

  /** Until it runs: a server that it needs may be away for a while. */
  #start(member: Member): Promise<void> {
    if (member.program?.running === true) return Promise.resolve();
    member.starting ??= (async () => {
      for (let attempt = 1; ; attempt++) {
        try {
          member.program = await ChildProgram.start(here("../programs/money-fleet-gateway.ts"), {
            probe: here("../../probe.ts"),
            node: ["--conditions=@signalbox/source"],
            arguments: [JSON.stringify(member.task)],
            environment: { NODE_COMPILE_CACHE: this.#cache },
          });
          member.bornAt = performance.now();
          return;
        } catch (error) {
          if (attempt === 20) throw error;
          await sleep(500);
        } finally {
          if (member.program?.running === true) member.starting = undefined;
        }
      }
    })();
    return member.starting;
  }
}

function here(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
