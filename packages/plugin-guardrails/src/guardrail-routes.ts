import type { Call, ChatRequest, DialectRequest, Guardrail, HttpReply, Plugin, ResourceRoute } from "@signalbox/kernel";
import { didYouMean, GatewayError, GUARDRAILS, IdSource, Trace, textOf } from "@signalbox/kernel";

const LONGEST_MS = 30_000;
const FIELDS: readonly string[] = ["guardrail_name", "text", "language", "entities"];

/**
 * Routes for administrators, of all guardrails that the gateway has, whoever brings them: `GET /guardrails/list` (and
 * `/v2/guardrails/list`) and `POST /apply_guardrail`, which runs one by hand: `{ guardrail_name, text }` →
 * `{ response_text }`. The text is looked at as one of a request; by a guardrail of replies alone, as one of a reply.
 */
export function guardrailRoutes(): Plugin {
  let all: readonly Guardrail[] = [];
  const ids = new IdSource();
  const route = (
    method: ResourceRoute["method"],
    path: string,
    summary: string,
    handle: ResourceRoute["handle"],
  ): ResourceRoute => ({ kind: "resource", method, path, access: "admin", description: { summary }, handle });
  const list = (): HttpReply => json({ guardrails: all.map(shown) });
  return {
    name: "guardrail-routes",
    start(container) {
      all = container.resolve(GUARDRAILS);
    },
    routes: [
      route("GET", "/guardrails/list", "The guardrails that there are, and for whom", list),
      route("GET", "/v2/guardrails/list", "The guardrails that there are, and for whom", list),
      route("POST", "/apply_guardrail", "Run a guardrail on a text", async (request, { principal }) => {
        const { name, text } = wishOf(request);
        const guardrail = all.find((each) => each.name === name);
        if (guardrail === undefined) {
          const hint = didYouMean(
            name,
            all.map((each) => each.name),
          );
          throw new GatewayError("not_found", `there is no guardrail ${JSON.stringify(name)}.${hint}`, {
            param: "guardrail_name",
          });
        }
        return json({ response_text: await applied(guardrail, callOf(text, principal, ids.next())) });
      }),
    ],
  };
}

/** Nothing of its options: they may hold addresses and keys. */
function shown({ name, runs, checkRequest, checkResult, checkWindow, parallel, dryRun }: Guardrail): object {
  const mode = [
    ...(checkRequest === undefined ? [] : [parallel === true ? "during_call" : "pre_call"]),
    ...(checkResult === undefined && checkWindow === undefined ? [] : ["post_call"]),
  ];
  const named = [runs?.keys, runs?.users, runs?.teams, runs?.organizations].some((each) => each !== undefined);
  return {
    guardrail_name: name,
    litellm_params: {
      mode: dryRun === true ? ["logging_only"] : mode,
      default_on: !named && runs?.defaultOn !== false,
    },
    guardrail_info: { ...(runs !== undefined && { runs }) },
  };
}

async function applied(guardrail: Guardrail, call: Call<"chat">): Promise<string> {
  const [message] = call.request.messages;
  const text = textOf(message?.content ?? []);
  if (guardrail.checkRequest !== undefined) {
    const verdict = await guardrail.checkRequest(call);
    if (verdict.action === "block") throw refused(guardrail, verdict.reason, "input", verdict.category);
    const value = verdict.action === "allow" ? undefined : verdict.value;
    return value === undefined ? text : textOf(value.messages[0]?.content ?? []);
  }
  if (guardrail.checkWindow === undefined) {
    const message = `the guardrail ${JSON.stringify(guardrail.name)} judges whole replies, no texts`;
    throw new GatewayError("invalid_request", message, { param: "guardrail_name" });
  }
  const window = { text, before: "", final: true, choice: 0, kind: "text" } as const;
  const verdict = await guardrail.checkWindow(call, window);
  if (verdict.action === "block") throw refused(guardrail, verdict.reason, "output", verdict.category);
  return verdict.text ?? text;
}

function refused(
  { name: guardrail }: Guardrail,
  reason: string,
  mode: "input" | "output",
  category?: string,
): GatewayError {
  return new GatewayError("guardrail_blocked", `blocked by guardrail ${JSON.stringify(guardrail)}: ${reason}`, {
    source: guardrail,
    details: { guardrail, mode, ...(category !== undefined && { category }) },
  });
}

function callOf(text: string, principal: Call["principal"], id: string): Call<"chat"> {
  const trace = new Trace();
  const request: ChatRequest = { model: "", messages: [{ role: "user", content: [{ type: "text", text }] }] };
  return {
    id,
    operation: "chat",
    request,
    model: "",
    principal,
    signal: AbortSignal.timeout(LONGEST_MS),
    deadline: trace.startedAt + LONGEST_MS,
    options: {},
    state: new Map(),
    trace,
  };
}

/** @throws {GatewayError} `invalid_request`, `unknown_field`, `unsupported_parameter` */
function wishOf({ body }: DialectRequest): { readonly name: string; readonly text: string } {
  const value = body?.value;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new GatewayError("invalid_request", "the body must be an object");
  }
  const given = value as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(given).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) {
    const message = `there is no field ${JSON.stringify(unknown)}.${didYouMean(unknown, FIELDS)}`;
    throw new GatewayError("unknown_field", message, { param: unknown });
  }
  for (const param of ["language", "entities"]) {
    if (given[param] === undefined || given[param] === null) continue;
    const message = `${param} is for each guardrail to be told once, in its options`;
    throw new GatewayError("unsupported_parameter", message, { param });
  }
  const textAt = (param: string): string => {
    const text = given[param];
    if (typeof text === "string" && text !== "") return text;
    throw new GatewayError("invalid_request", `${param} must be a text`, { param });
  };
  return { name: textAt("guardrail_name"), text: textAt("text") };
}

function json(value: unknown): HttpReply {
  return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}
