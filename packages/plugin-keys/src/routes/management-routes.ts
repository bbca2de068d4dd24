import type { ResourceRoute } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import { accessGroupRoutes } from "./access-groups.ts";
import { auditReads } from "./audit.ts";
import { budgetRoutes } from "./budgets.ts";
import { customerRoutes } from "./customers.ts";
import type { Endpoint } from "./endpoint.ts";
import { keyChanges } from "./key-change.ts";
import { keyCreation } from "./key-create.ts";
import { keyReads } from "./key-read.ts";
import type { Management } from "./management.ts";
import { modelReads } from "./model-read.ts";
import { openApiRoute } from "./openapi.ts";
import { organizationRoutes } from "./organizations.ts";
import { spendResets } from "./reset-spend.ts";
import { tagUsage } from "./tag-usage.ts";
import { tagRoutes } from "./tags.ts";
import { teamAccessRoutes } from "./team-access.ts";
import { teamMemberRoutes } from "./team-members.ts";
import { teamReads } from "./team-read.ts";
import { teamRoutes } from "./teams.ts";
import { userRoutes } from "./users.ts";

/** Every endpoint of the management API. */
const ENDPOINTS: readonly Endpoint[] = [
  ...keyCreation,
  ...keyChanges,
  ...keyReads,
  ...spendResets,
  ...userRoutes,
  ...teamRoutes,
  ...teamReads,
  ...teamMemberRoutes,
  ...teamAccessRoutes,
  ...organizationRoutes,
  ...customerRoutes,
  ...budgetRoutes,
  ...tagRoutes,
  ...tagUsage,
  ...accessGroupRoutes,
  ...modelReads,
  ...auditReads,
];

/**
 * The routes. Any key may ask; each endpoint decides by the role of who is asking what there is to see and to change.
 *
 * @param management undefined until the gateway has started
 */
export function managementRoutes(management: () => Management | undefined): readonly ResourceRoute[] {
  const routes = ENDPOINTS.map(
    ({ method, path, handle }): ResourceRoute => ({
      kind: "resource",
      method,
      path,
      access: "caller",
      async handle(request, context) {
        const ready = management();
        if (ready === undefined) throw new GatewayError("auth_unavailable", "the gateway is still starting");
        return await handle(request, context, ready);
      },
    }),
  );
  return [...routes, openApiRoute(ENDPOINTS)];
}
