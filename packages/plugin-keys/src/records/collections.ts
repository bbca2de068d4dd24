import type { RecordCollection, RecordStore } from "@signalbox/kernel";
import type {
  AccessGroupRecord,
  AuditRecord,
  BudgetRecord,
  CustomerRecord,
  KeyRecord,
  OrganizationRecord,
  RetiredHash,
  TagRecord,
  TeamRecord,
  UserRecord,
} from "./records.ts";
import { definitionOf } from "./records.ts";

/** Where everything is kept. */
export interface Collections {
  readonly store: RecordStore;
  readonly keys: RecordCollection<KeyRecord>;
  readonly retiredHashes: RecordCollection<RetiredHash>;
  readonly users: RecordCollection<UserRecord>;
  readonly teams: RecordCollection<TeamRecord>;
  readonly organizations: RecordCollection<OrganizationRecord>;
  readonly customers: RecordCollection<CustomerRecord>;
  readonly budgets: RecordCollection<BudgetRecord>;
  readonly tags: RecordCollection<TagRecord>;
  readonly accessGroups: RecordCollection<AccessGroupRecord>;
  readonly audit: RecordCollection<AuditRecord>;
}

/** Opens, and where need be makes, every collection. */
export async function openCollections(store: RecordStore): Promise<Collections> {
  // one after the other: a store may make tables here
  return {
    store,
    keys: await store.open<KeyRecord>(definitionOf("keys")),
    retiredHashes: await store.open<RetiredHash>(definitionOf("retiredHashes")),
    users: await store.open<UserRecord>(definitionOf("users")),
    teams: await store.open<TeamRecord>(definitionOf("teams")),
    organizations: await store.open<OrganizationRecord>(definitionOf("organizations")),
    customers: await store.open<CustomerRecord>(definitionOf("customers")),
    budgets: await store.open<BudgetRecord>(definitionOf("budgets")),
    tags: await store.open<TagRecord>(definitionOf("tags")),
    accessGroups: await store.open<AccessGroupRecord>(definitionOf("accessGroups")),
    audit: await store.open<AuditRecord>(definitionOf("audit")),
  };
}
