import type { Reporter, TestModule, Vitest } from "vitest/node";

/**
 * Ends a run with one line, `N passed, N failed`, so that people and machines read the outcome in the same place.
 * A test file that cannot be loaded counts as one failure, and so does an error outside any test. A run in which
 * nothing ran is a failure too.
 */
export class SummaryReporter implements Reporter {
  #passed = 0;
  #failed = 0;
  #skipped = 0;

  onInit(vitest: Vitest): void {
    if (vitest.config.watch) return;
    process.once("exit", () => this.#report());
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    this.#passed = 0;
    this.#failed = unhandledErrors.length;
    this.#skipped = 0;
    for (const module of modules) {
      let failedHere = 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === "passed") this.#passed += 1;
        else if (state === "failed") failedHere += 1;
        else this.#skipped += 1;
      }
      this.#failed += failedHere === 0 && module.state() === "failed" ? 1 : failedHere;
    }
  }

  #report(): void {
    if (this.#passed + this.#failed === 0) console.error("No test ran.");
    if (this.#passed === 0 || this.#failed > 0) process.exitCode ||= 1;
    const skipped = this.#skipped > 0 ? `, ${this.#skipped} skipped` : "";
    console.log(`${this.#passed} passed, ${this.#failed} failed${skipped}`);
  }
}
