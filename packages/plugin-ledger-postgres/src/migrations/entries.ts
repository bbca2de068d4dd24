const SUMS = `
  billed numeric NOT NULL, requests bigint NOT NULL, failures bigint NOT NULL,
  input_tokens numeric NOT NULL, output_tokens numeric NOT NULL,
  cache_read_tokens numeric NOT NULL, cache_write_tokens numeric NOT NULL`;

/** Entries by month, their corrections, their sums, and a view for people. Amounts in nano-dollars, times in ms. */
export function entriesMigration(schema: string): string {
  return `
CREATE TABLE ${schema}.entries (
  id text COLLATE "C" NOT NULL,
  month integer NOT NULL,
  -- the transaction that wrote it: sums have a watermark in these
  tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
  call_id text NOT NULL,
  attempt integer NOT NULL,
  operation text NOT NULL,
  model text NOT NULL,
  deployment text NOT NULL,
  provider text NOT NULL,
  organization text, team text, user_id text, key_id text, customer text, session text,
  scopes jsonb NOT NULL,
  scope_keys text[] NOT NULL,
  lines jsonb,
  line_keys text[] NOT NULL,
  tags jsonb,
  input_tokens bigint NOT NULL, output_tokens bigint NOT NULL,
  cache_read_tokens bigint NOT NULL, cache_write_tokens bigint NOT NULL, reasoning_tokens bigint NOT NULL,
  usage jsonb NOT NULL,
  cost bigint NOT NULL,
  billed bigint NOT NULL,
  cost_lines jsonb,
  price_version text,
  status text NOT NULL CHECK (status IN ('final', 'counted', 'estimated', 'void')),
  finish_reason text,
  error_code text,
  cache_hit boolean,
  started_at bigint NOT NULL,
  first_event_at bigint,
  ended_at bigint NOT NULL,
  metadata jsonb,
  -- the entry as it was, where text and jsonb cannot hold it
  original json,
  PRIMARY KEY (id, month)
) PARTITION BY LIST (month);
CREATE INDEX entries_tx ON ${schema}.entries (tx);
CREATE INDEX entries_started_at ON ${schema}.entries (started_at, id COLLATE "C");
CREATE INDEX entries_scopes ON ${schema}.entries USING gin (scope_keys);
CREATE TABLE ${schema}.entries_undated PARTITION OF ${schema}.entries FOR VALUES IN (0);

CREATE TABLE ${schema}.entry_corrections (
  tx xid8 NOT NULL,
  sign integer NOT NULL CHECK (sign IN (-1, 1)),
  started_at bigint NOT NULL,
  operation text NOT NULL, model text NOT NULL, deployment text NOT NULL, provider text NOT NULL,
  organization text, team text, user_id text, key_id text,
  scope_keys text[] NOT NULL, line_keys text[] NOT NULL,
  billed bigint NOT NULL, failed boolean NOT NULL,
  input_tokens bigint NOT NULL, output_tokens bigint NOT NULL,
  cache_read_tokens bigint NOT NULL, cache_write_tokens bigint NOT NULL
);
CREATE INDEX entry_corrections_tx ON ${schema}.entry_corrections (tx);

CREATE TABLE ${schema}.watermark (only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one), tx xid8 NOT NULL);
INSERT INTO ${schema}.watermark (tx) VALUES ('0');

CREATE TABLE ${schema}.sums_by_hour (
  hour bigint NOT NULL,
  operation text NOT NULL, model text NOT NULL, deployment text NOT NULL, provider text NOT NULL,
  organization text NOT NULL, team text NOT NULL, user_id text NOT NULL, key_id text NOT NULL,
  digest text COLLATE "C" NOT NULL, ${SUMS},
  PRIMARY KEY (hour, digest)
);
CREATE TABLE ${schema}.sums_by_scope (
  scope text COLLATE "C" NOT NULL, hour bigint NOT NULL, billed numeric NOT NULL, requests bigint NOT NULL,
  PRIMARY KEY (scope, hour)
);
CREATE TABLE ${schema}.sums_by_line (
  line text COLLATE "C" PRIMARY KEY, billed numeric NOT NULL, requests bigint NOT NULL
);

CREATE VIEW ${schema}.spend_logs AS SELECT
  id AS request_id, call_id, attempt, operation AS call_type, key_id AS api_key,
  billed / 1e9 AS spend, billed / 1e9 AS cost_usd, cost / 1e9 AS provider_cost_usd, billed AS cost_nano,
  input_tokens + output_tokens AS total_tokens, input_tokens AS prompt_tokens, output_tokens AS completion_tokens,
  cache_read_tokens AS cache_read_input_tokens, cache_write_tokens AS cache_creation_input_tokens, reasoning_tokens,
  to_timestamp(started_at / 1e3) AS "startTime", to_timestamp(ended_at / 1e3) AS "endTime",
  to_timestamp(first_event_at / 1e3) AS "completionStartTime",
  model, model AS model_group, deployment AS model_id, provider AS custom_llm_provider, provider,
  user_id AS "user", customer AS end_user, team, team AS team_id, organization, organization AS organization_id,
  session AS session_id, tags AS request_tags, cache_hit, status AS cost_status,
  CASE WHEN error_code IS NULL THEN 'success' ELSE 'failure' END AS status,
  error_code, finish_reason, price_version, cost_lines, scopes, metadata
FROM ${schema}.entries;

-- So that finance need not know of schemas: where the name is free and may be taken.
DO $$ BEGIN
  IF to_regclass('public.spend_logs') IS NULL AND has_schema_privilege('public', 'CREATE') THEN
    CREATE VIEW public.spend_logs AS SELECT * FROM ${schema}.spend_logs;
  END IF;
EXCEPTION WHEN undefined_object OR invalid_schema_name OR insufficient_privilege OR duplicate_table THEN NULL;
END $$;`;
}
