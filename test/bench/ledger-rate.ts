/** Asked of the ledger program: `rate`. */
export interface LedgerRateQuestion {
  /** `store`: rows into the store alone. `ledger`: by way of the spool, as a gateway does it. */
  readonly by: "store" | "ledger";
  readonly durationMs: number;
}

export interface LedgerRate {
  readonly rowsPerSecond: number;
  readonly rssMegabytes: number;
}
