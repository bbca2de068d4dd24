/** What `sqliteLedger` can be told. */
export interface SqliteLedgerOptions {
  /** Path of the database; made when it is not there. `:memory:` keeps everything in memory, for tests. */
  readonly file: string;
  /**
   * When a write is on the disk: `full` with every transaction, `normal` at checkpoints (a power loss may take the last
   * moments; a crash of the process takes nothing), `off` whenever the system likes. Default `normal`.
   */
  readonly synchronous?: "full" | "normal" | "off";
  /**
   * Below it, what has not been written yet is kept safe from a sudden end of the process. At most 84 bytes long. Default:
   * the file's path and `.spool`; with `:memory:` there is none.
   */
  readonly spoolDirectory?: string;
  /** Days that entries are kept; their sums stay. Default: for ever. */
  readonly retentionDays?: number;
  /** How long a write waits for another program that has locked the file. Default 5,000. */
  readonly busyTimeoutMs?: number;
  /** The longest time that one transaction of entries keeps the event loop. Default 4. */
  readonly batchMs?: number;
}
