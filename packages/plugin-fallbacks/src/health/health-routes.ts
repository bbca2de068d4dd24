import type { Deployment, DialectRequest, HttpReply, ModelTable, ResourceRoute } from "@signalbox/kernel";
import { didYouMean, GatewayError } from "@signalbox/kernel";
import type { Health } from "./health.ts";
import { latestChecksOf, overviewOf } from "./health-report.ts";

const FILTERS = ["model", "model_id"] as const;

/** Which deployments are meant; without either, all. */
type Filter = { readonly [Name in (typeof FILTERS)[number]]?: string };

/**
 * - `GET /health`: every deployment's state; asks nobody.
 * - `POST /health/check`: asks the deployments now, then answers the same.
 * - `GET /health/latest`: how each deployment answered its last check.
 *
 * @param health undefined until the gateway has started
 */
export function healthRoutes(health: () => Health | undefined): readonly ResourceRoute[] {
  const known = (): Health => {
    const found = health();
    if (found !== undefined) return found;
    throw new GatewayError("not_found", "this gateway's router is another plugin's: no health is known here");
  };
  return [
    {
      kind: "resource",
      method: "GET",
      path: "/health",
      access: "admin",
      handle: (request) => overview(known(), queryFilter(request)),
    },
    {
      kind: "resource",
      method: "POST",
      path: "/health/check",
      access: "admin",
      async handle(request) {
        const { probes, models, board } = known();
        const filter = bodyFilter(request);
        await probes.check(chosen(models, filter));
        return overview({ board, models }, filter);
      },
    },
    {
      kind: "resource",
      method: "GET",
      path: "/health/latest",
      access: "admin",
      handle(request) {
        const { board, models } = known();
        return json(latestChecksOf(statesOf({ board, models }, queryFilter(request))));
      },
    },
  ];
}

function overview(health: Pick<Health, "board" | "models">, filter: Filter): HttpReply {
  return json(overviewOf(statesOf(health, filter)));
}

function statesOf(
  { board, models }: Pick<Health, "board" | "models">,
  filter: Filter,
): ReturnType<typeof board.states> {
  const ids = new Set(chosen(models, filter).map(({ id }) => id));
  return board.states().filter(({ id }) => ids.has(id));
}

/** @throws {GatewayError} `not_found` with the nearest names */
function chosen(models: ModelTable, { model, model_id: id }: Filter): readonly Deployment[] {
  let found = models.all();
  if (model !== undefined) {
    const ids = new Set(models.deployments(model).map((deployment) => deployment.id));
    found = found.filter((deployment) => deployment.model === model || ids.has(deployment.id));
    if (found.length === 0) throw unknown("model", model, models.nearest(model));
  }
  if (id === undefined) return found;
  const candidates = found;
  found = found.filter((deployment) => deployment.id === id);
  if (found.length === 0) {
    throw unknown(
      "model_id",
      id,
      candidates.map((deployment) => deployment.id),
    );
  }
  return found;
}

function unknown(param: string, value: string, candidates: readonly string[]): GatewayError {
  const what = param === "model" ? "model" : "deployment";
  return new GatewayError("not_found", `there is no ${what} ${shown(value)}.${didYouMean(value, candidates)}`, {
    param,
  });
}

function shown(value: string): string {
  return JSON.stringify(value.slice(0, 128));
}

/** @throws {GatewayError} `unknown_field`, `invalid_request` */
function queryFilter({ query }: DialectRequest): Filter {
  const filter: Record<string, string> = {};
  for (const [name, value] of query) {
    checkName(name);
    if (Object.hasOwn(filter, name)) throw invalid(name, "must be given once");
    if (value === "") throw invalid(name, "must not be empty");
    filter[name] = value;
  }
  return filter;
}

/** @throws {GatewayError} `unknown_field`, `invalid_request` */
function bodyFilter({ body, query }: DialectRequest): Filter {
  for (const name of query.keys()) {
    throw new GatewayError("unknown_field", `there is no query parameter ${shown(name)}: write it into the body`, {
      param: name.slice(0, 128),
    });
  }
  const value = body === undefined ? {} : body.value;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new GatewayError("invalid_request", "the request body must be a JSON object");
  }
  const filter: Record<string, string> = {};
  for (const [name, wanted] of Object.entries(value)) {
    checkName(name);
    if (typeof wanted !== "string" || wanted === "") throw invalid(name, "must be a string that is not empty");
    filter[name] = wanted;
  }
  return filter;
}

function checkName(name: string): void {
  if ((FILTERS as readonly string[]).includes(name)) return;
  throw new GatewayError("unknown_field", `there is no field ${shown(name)}.${didYouMean(name, FILTERS)}`, {
    param: name.slice(0, 128),
  });
}

function invalid(param: string, why: string): GatewayError {
  return new GatewayError("invalid_request", `${JSON.stringify(param)} ${why}`, { param });
}

function json(value: unknown): HttpReply {
  return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}
