import { z } from "zod";
import type { KeyRecord } from "../records/records.ts";
import type { Endpoint } from "./endpoint.ts";
import { endpoint } from "./endpoint.ts";
import { id, ids } from "./fields.ts";
import { keyLists, readable } from "./key-list.ts";
import { keyRow, keyRows } from "./key-row.ts";

/** Routes that show keys. */
export const keyReads: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/key/info",
    summary: "A key; without `key`, the one that asks.",
    query: z.strictObject({ key: id.exactOptional() }),
    async run({ actor, query, management }) {
      const key = await readable(actor, query.key ?? actor.id, management);
      return { key: key.id, info: await keyRow(key, management) };
    },
  }),
  endpoint({
    method: "POST",
    path: "/v2/key/info",
    summary: "Many keys at once.",
    body: z.strictObject({ keys: ids.min(1).max(100) }),
    async run({ actor, body, management }) {
      const found: KeyRecord[] = [];
      for (const key of body.keys) found.push(await readable(actor, key, management));
      const rows = await keyRows(found, management);
      return { key: found.map((key) => key.id), info: rows.map((row, index) => ({ key: found[index]?.id, ...row })) };
    },
  }),
  ...keyLists,
  endpoint({
    method: "POST",
    path: "/key/health",
    summary: "Whether the key that asks works.",
    run: () => ({ key: "healthy", logging_callbacks: { callbacks: [], status: "healthy", details: "none set" } }),
  }),
];
