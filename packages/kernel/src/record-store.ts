/** Something that is kept: keys, teams, budgets. All values are JSON. */
export interface StoredRecord {
  readonly id: string;
  readonly [field: string]: unknown;
}

/** A kind of records. */
export interface CollectionDefinition {
  /** `keys`, `teams`: lower case, digits and underscores. */
  readonly name: string;
  /** Fields that records are found and sorted by. */
  readonly indexes: readonly { readonly field: string; readonly unique?: boolean }[];
}

/** Which records, in which order. */
export interface RecordQuery {
  /** Equal to, for each field; an array: one of. null also finds records without the field. Only indexed fields. */
  readonly where?: Readonly<Record<string, string | number | boolean | null | readonly (string | number)[]>>;
  /** Contains this text, whatever its case; only indexed fields. */
  readonly search?: Readonly<Record<string, string>>;
  readonly sortBy?: string;
  readonly descending?: boolean;
  readonly offset?: number;
  /** Default 100. */
  readonly limit?: number;
}

/** Some of the records that a query finds. */
export interface RecordPage<Item> {
  readonly items: readonly Item[];
  /** How many there are in all. */
  readonly total: number;
}

/** Records of one kind. */
export interface RecordCollection<Item extends StoredRecord> {
  get(id: string): Promise<Item | undefined>;
  /** By the value of a unique index. */
  find(field: string, value: string): Promise<Item | undefined>;
  list(query?: RecordQuery): Promise<RecordPage<Item>>;
  /** @throws {GatewayError} `conflict` when the id or a unique value is there already */
  insert(item: Item): Promise<void>;
  /**
   * Reads, changes and writes one record in one step; nobody else writes it meanwhile. Undefined from `change`: nothing is
   * written. Answers what is there afterwards; undefined when there is no such record.
   */
  update(id: string, change: (before: Item) => Item | undefined): Promise<Item | undefined>;
  /** Answers what was there. */
  delete(id: string): Promise<Item | undefined>;
  /**
   * Tells about changes, by this process and by others, so that copies can be dropped: at the latest after a second.
   * The id `*` says that changes may have been missed: any record may be another one now.
   */
  watch(listener: (id: string) => void): () => void;
}

/** Where records live. */
export interface RecordStore {
  /** The same definition may be asked for again; another one of the same name is an error. Makes tables and indexes. */
  open<Item extends StoredRecord>(definition: CollectionDefinition): Promise<RecordCollection<Item>>;
  /** All writes inside happen, or none. */
  transaction<Result>(body: () => Promise<Result>): Promise<Result>;
  close?(): void | Promise<void>;
}
