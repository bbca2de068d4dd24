import { channel } from "node:diagnostics_channel";
import type { Call } from "../call.ts";
import type { Deployment } from "../deployment.ts";
import type { AttemptWatcher, Outcome } from "../router.ts";

const observerErrors = channel("signalbox:observer-error");

/** A watcher under the name it is reported with. */
export interface NamedWatcher {
  readonly name: string;
  readonly watcher: AttemptWatcher;
}

/**
 * Router and strategy, as they are told about attempts. What one of them throws is published, once per watcher, and
 * never spoils a reply that is good.
 */
export class AttemptWatchers {
  readonly #begin: readonly NamedWatcher[];
  readonly #answered: readonly NamedWatcher[];
  readonly #report: readonly NamedWatcher[];
  readonly #published = new Set<string>();

  constructor(watchers: readonly NamedWatcher[]) {
    const distinct = watchers.filter(
      ({ watcher }, at) => watchers.findIndex((other) => other.watcher === watcher) === at,
    );
    this.#begin = distinct.filter(({ watcher }) => watcher.begin !== undefined);
    this.#answered = distinct.filter(({ watcher }) => watcher.answered !== undefined);
    this.#report = distinct.filter(({ watcher }) => watcher.report !== undefined);
  }

  get wantReports(): boolean {
    return this.#report.length > 0;
  }

  begin(deployment: Deployment, call: Call): void {
    for (const named of this.#begin) {
      try {
        named.watcher.begin?.(deployment, call);
      } catch (error) {
        this.#publish(named.name, "begin", error);
      }
    }
  }

  answered(deployment: Deployment, firstEventMs: number, call: Call): void {
    for (const named of this.#answered) {
      try {
        named.watcher.answered?.(deployment, firstEventMs, call);
      } catch (error) {
        this.#publish(named.name, "answered", error);
      }
    }
  }

  report(deployment: Deployment, outcome: Outcome, call: Call): void {
    for (const named of this.#report) {
      try {
        named.watcher.report?.(deployment, outcome, call);
      } catch (error) {
        this.#publish(named.name, "report", error);
      }
    }
  }

  #publish(plugin: string, moment: string, error: unknown): void {
    const key = `${plugin} ${moment}`;
    if (this.#published.has(key)) return;
    this.#published.add(key);
    observerErrors.publish({ plugin, moment, error });
  }
}
