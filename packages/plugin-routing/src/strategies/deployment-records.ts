import type { Deployment, ModelTable } from "@signalbox/kernel";

/** What is kept about every deployment. */
export interface DeploymentRecord {
  /** Attempts that have begun and not ended. */
  inFlight: number;
  /** No longer in the table: forgotten when its last attempt ends. */
  gone: boolean;
}

/**
 * One record for each deployment that a strategy has seen, by id: a wildcard has one, whatever names clients invent.
 * Records of deployments that are removed go with them.
 */
export class DeploymentRecords<Kept extends DeploymentRecord> {
  readonly #models: ModelTable;
  readonly #make: (id: string) => Kept;
  readonly #records = new Map<string, Kept>();
  #version: number;

  constructor(models: ModelTable, make: (id: string) => Kept) {
    this.#models = models;
    this.#make = make;
    this.#version = models.version;
  }

  get size(): number {
    return this.#records.size;
  }

  /** Records for candidates, in their order. */
  of(candidates: readonly Deployment[]): readonly Kept[] {
    if (this.#version !== this.#models.version) this.#forgetRemoved();
    return candidates.map(({ id }) => this.#recordOf(id));
  }

  /** Nothing for a deployment that was never a candidate. */
  get(deployment: Deployment): Kept | undefined {
    return this.#records.get(deployment.id);
  }

  /** Counts an attempt. Nothing for a deployment that was never a candidate. */
  begin(deployment: Deployment): Kept | undefined {
    const record = this.#records.get(deployment.id);
    if (record !== undefined) record.inFlight += 1;
    return record;
  }

  /** Counts the attempt's end. Nothing when its begin was not counted. */
  end(deployment: Deployment): Kept | undefined {
    const record = this.#records.get(deployment.id);
    if (record === undefined || record.inFlight === 0) return undefined;
    record.inFlight -= 1;
    if (record.gone && record.inFlight === 0) this.#records.delete(deployment.id);
    return record;
  }

  #recordOf(id: string): Kept {
    let record = this.#records.get(id);
    if (record === undefined) {
      record = this.#make(id);
      this.#records.set(id, record);
    }
    record.gone = false;
    return record;
  }

  #forgetRemoved(): void {
    this.#version = this.#models.version;
    const ids = new Set(this.#models.all().map(({ id }) => id));
    for (const [id, record] of this.#records) {
      if (ids.has(id)) continue;
      record.gone = true;
      if (record.inFlight === 0) this.#records.delete(id);
    }
  }
}
