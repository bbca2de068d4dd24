import { z } from "zod";
import type { ModelBudget, RouterSettings } from "../records/records.ts";

/** A field that may be left out. */
export type Optional<Value> = z.ZodExactOptional<z.ZodType<Value>>;

const MOST_MONEY = 1_000_000_000;
const MOST_PER_MINUTE = 1_000_000_000_000;
const MOST_METADATA = 4_096;
const MOST_TAGS = 32;
const LONGEST_TAG = 128;
const LONGEST_NAME = 256;

/** An amount of US dollars. */
const usd: z.ZodNumber = z.number().min(0).max(MOST_MONEY);
const rate = z.int().min(0).max(MOST_PER_MINUTE);
/** `30s`, `30m`, `24h`, `7d`, `1w`, `1mo` */
export const duration: z.ZodString = z
  .string()
  .regex(/^[1-9]\d{0,5}(s|m|h|d|w|mo)$/, 'must be a duration such as "30s", "24h", "7d", "1w" or "1mo"');
/** An id that a caller chose. */
export const id: z.ZodString = z
  .string()
  .min(1)
  .max(LONGEST_NAME)
  .regex(/^[^\p{Cc}]*$/u, "must not hold control characters");
/** A name for people. */
export const name: z.ZodString = id.clone();
/** A list of ids. */
export const ids: z.ZodArray<z.ZodString> = z.array(id).max(1_000);

const names = z.array(name).max(1_000);
const map = <Value extends z.ZodType>(value: Value): z.ZodRecord<z.ZodString, Value> => z.record(name, value);
const chains = z.array(map(names)).max(100);

/** Model names, wildcards and the special names. */
export const models: z.ZodArray<z.ZodString> = names;

/** Other names for models. */
export const aliases: z.ZodRecord<z.ZodString, z.ZodString> = map(name);

/** Free for the caller's own notes. */
export const metadata: z.ZodType<Record<string, unknown>> = z
  .record(z.string(), z.unknown())
  .refine((value) => JSON.stringify(value).length <= MOST_METADATA, `must not be larger than ${MOST_METADATA} bytes`);

/** What spend is told apart by. */
export const tags: z.ZodArray<z.ZodString> = z.array(z.string().min(1).max(LONGEST_TAG)).max(MOST_TAGS);

/** How calls are routed. */
const routerSettings: z.ZodType<RouterSettings> = z.strictObject({
  fallbacks: chains.exactOptional(),
  context_window_fallbacks: chains.exactOptional(),
  content_policy_fallbacks: chains.exactOptional(),
  default_fallbacks: names.exactOptional(),
  disable_fallbacks: z.boolean().exactOptional(),
  num_retries: z.int().min(0).max(100).exactOptional(),
});

/** Router settings that may be left out, or cleared. */
export const routerSettingsField: Optional<RouterSettings | null> = routerSettings.nullable().exactOptional();

/** Shapes of `boundFields`. */
export type BoundFields = {
  readonly max_budget: Optional<number | null>;
  readonly soft_budget: Optional<number | null>;
  readonly budget_duration: Optional<string | null>;
  readonly max_parallel_requests: Optional<number | null>;
  readonly tpm_limit: Optional<number | null>;
  readonly rpm_limit: Optional<number | null>;
  readonly model_max_budget: Optional<Record<string, ModelBudget> | null>;
  readonly model_rpm_limit: Optional<Record<string, number> | null>;
  readonly model_tpm_limit: Optional<Record<string, number> | null>;
};

const modelBudget: z.ZodType<ModelBudget> = z.strictObject({
  budget_limit: usd.nullable(),
  time_period: duration.exactOptional(),
});

/** Budgets and limits, in every object that has some. */
export const boundFields: BoundFields = {
  max_budget: usd.nullable().exactOptional(),
  soft_budget: usd.nullable().exactOptional(),
  budget_duration: duration.nullable().exactOptional(),
  max_parallel_requests: rate.nullable().exactOptional(),
  tpm_limit: rate.nullable().exactOptional(),
  rpm_limit: rate.nullable().exactOptional(),
  model_max_budget: map(modelBudget).nullable().exactOptional(),
  model_rpm_limit: map(rate).nullable().exactOptional(),
  model_tpm_limit: map(rate).nullable().exactOptional(),
};

/** The same, or a budget record that holds them. */
export const boundOrBudgetFields: BoundFields & { readonly budget_id: Optional<string | null> } = {
  ...boundFields,
  budget_id: id.nullable().exactOptional(),
};

/** Which page of a list, counted from 1. */
export const page: z.ZodType<number> = z.coerce.number().int().min(1).max(1_000_000).default(1);
/** How much of a list at once. */
export const pageSize: z.ZodType<number> = z.coerce.number().int().min(1).max(100).default(25);

/** `true` or `false` in a query. */
export const flag: z.ZodType<boolean> = z.stringbool({ truthy: ["true"], falsy: ["false"] });

/** Shapes of `keyFields`. */
export type KeyFields = typeof boundOrBudgetFields & {
  readonly key_alias: Optional<string | null>;
  readonly models: Optional<string[]>;
  readonly access_group_ids: Optional<string[]>;
  readonly duration: Optional<string | null>;
  readonly user_id: Optional<string | null>;
  readonly team_id: Optional<string | null>;
  readonly organization_id: Optional<string | null>;
  readonly budget_limits: Optional<{ budget_duration: string; max_budget: number }[] | null>;
  readonly metadata: Optional<Record<string, unknown> | null>;
  readonly tags: Optional<string[] | null>;
  readonly aliases: Optional<Record<string, string> | null>;
  readonly allowed_routes: Optional<string[] | null>;
  readonly key_type: Optional<"default" | "llm_api" | "management" | "read_only">;
  readonly blocked: Optional<boolean>;
  readonly router_settings: Optional<RouterSettings | null>;
  readonly budget_fallbacks: Optional<Record<string, string[]>[] | null>;
};

/** Fields of keys. */
export const keyFields: KeyFields = {
  key_alias: name.nullable().exactOptional(),
  models: models.exactOptional(),
  access_group_ids: ids.exactOptional(),
  duration: duration.nullable().exactOptional(),
  user_id: id.nullable().exactOptional(),
  team_id: id.nullable().exactOptional(),
  organization_id: id.nullable().exactOptional(),
  ...boundOrBudgetFields,
  budget_limits: z
    .array(z.strictObject({ budget_duration: duration, max_budget: usd }))
    .max(10)
    .nullable()
    .exactOptional(),
  metadata: metadata.nullable().exactOptional(),
  tags: tags.nullable().exactOptional(),
  aliases: aliases.nullable().exactOptional(),
  allowed_routes: z.array(name).max(100).nullable().exactOptional(),
  key_type: z.enum(["default", "llm_api", "management", "read_only"]).exactOptional(),
  blocked: z.boolean().exactOptional(),
  router_settings: routerSettingsField,
  budget_fallbacks: chains.nullable().exactOptional(),
};
