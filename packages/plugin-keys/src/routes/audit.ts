import { z } from "zod";
import { requireViewer } from "./actor.ts";
import type { Endpoint } from "./endpoint.ts";
import { endpoint } from "./endpoint.ts";
import { id, page, pageSize } from "./fields.ts";
import { existing } from "./management.ts";

/** Routes that show what was changed, by whom. Nothing is ever taken out of the log by a route. */
export const auditReads: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/audit",
    summary: "Changes, the latest first.",
    query: z.strictObject({
      page,
      page_size: pageSize,
      changed_by: id.exactOptional(),
      action: id.exactOptional(),
      table_name: id.exactOptional(),
      object_id: id.exactOptional(),
    }),
    async run({ actor, query: { page: number, page_size: size, ...where }, management }) {
      requireViewer(actor);
      const { items, total } = await management.collections.audit.list({
        where: where as Readonly<Record<string, string>>,
        sortBy: "updated_at",
        descending: true,
        offset: (number - 1) * size,
        limit: size,
      });
      return { audit_logs: items, total, page: number, page_size: size, total_pages: Math.ceil(total / size) };
    },
  }),
  endpoint({
    method: "GET",
    path: "/audit/:id",
    summary: "One change.",
    async run({ actor, params, management }) {
      requireViewer(actor);
      return existing(await management.collections.audit.get(params.id ?? ""), "change");
    },
  }),
];
