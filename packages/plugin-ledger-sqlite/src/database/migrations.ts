const SUMS = `
  billed INTEGER NOT NULL, requests INTEGER NOT NULL, failures INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
  cache_read_tokens INTEGER NOT NULL, cache_write_tokens INTEGER NOT NULL`;

/**
 * Forward only: what stands here never changes, new steps are added at the end. Amounts are nano-dollars, times epoch
 * milliseconds.
 */
export const MIGRATIONS: readonly string[] = [
  `
CREATE TABLE entries (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  call_id TEXT NOT NULL, attempt INTEGER NOT NULL,
  operation TEXT NOT NULL, model TEXT NOT NULL, deployment TEXT NOT NULL, provider TEXT NOT NULL,
  organization TEXT, team TEXT, user_id TEXT, key_id TEXT, customer TEXT, session TEXT,
  scopes TEXT NOT NULL, lines TEXT, tags TEXT,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
  cache_read_tokens INTEGER NOT NULL, cache_write_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,
  usage TEXT NOT NULL,
  cost INTEGER NOT NULL, billed INTEGER NOT NULL, cost_lines TEXT, price_version TEXT,
  status TEXT NOT NULL, finish_reason TEXT, error_code TEXT, cache_hit INTEGER,
  started_at INTEGER NOT NULL, first_event_at INTEGER, ended_at INTEGER NOT NULL,
  metadata TEXT
) STRICT;
CREATE INDEX entries_started_at ON entries (started_at);

-- one row for each entry of a session: sessions are too many to be groups
CREATE TABLE entry_sessions (scope TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (scope, seq)) STRICT, WITHOUT ROWID;
CREATE INDEX entry_sessions_seq ON entry_sessions (seq);

-- what entries have in common, but for their sessions
CREATE TABLE entry_groups (
  group_id INTEGER PRIMARY KEY,
  operation TEXT NOT NULL, model TEXT NOT NULL, deployment TEXT NOT NULL, provider TEXT NOT NULL,
  scopes TEXT NOT NULL,
  UNIQUE (scopes, operation, model, deployment, provider)
) STRICT;

-- sums by quarter of an hour, which every time zone is aligned to, and by day of UTC
CREATE TABLE sums_by_quarter (
  bucket INTEGER NOT NULL, group_id INTEGER NOT NULL, ${SUMS}, PRIMARY KEY (bucket, group_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE sums_by_day (
  bucket INTEGER NOT NULL, group_id INTEGER NOT NULL, ${SUMS}, PRIMARY KEY (bucket, group_id)
) STRICT, WITHOUT ROWID;

-- what is posted on each line of a budget: counters are rebuilt from it
CREATE TABLE sums_by_line (
  line TEXT PRIMARY KEY, billed INTEGER NOT NULL, requests INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE collections (name TEXT PRIMARY KEY, indexes TEXT NOT NULL) STRICT;

CREATE VIEW spend_logs AS SELECT
  id AS request_id, call_id, attempt, operation AS call_type, key_id AS api_key,
  billed / 1e9 AS spend, billed / 1e9 AS cost_usd, cost / 1e9 AS provider_cost_usd, billed AS cost_nano,
  input_tokens + output_tokens AS total_tokens, input_tokens AS prompt_tokens, output_tokens AS completion_tokens,
  cache_read_tokens AS cache_read_input_tokens, cache_write_tokens AS cache_creation_input_tokens, reasoning_tokens,
  strftime('%Y-%m-%dT%H:%M:%fZ', started_at / 1000.0, 'unixepoch') AS "startTime",
  strftime('%Y-%m-%dT%H:%M:%fZ', ended_at / 1000.0, 'unixepoch') AS "endTime",
  strftime('%Y-%m-%dT%H:%M:%fZ', first_event_at / 1000.0, 'unixepoch') AS "completionStartTime",
  model, model AS model_group, deployment AS model_id, provider AS custom_llm_provider, provider,
  user_id AS "user", customer AS end_user, team, team AS team_id, organization, organization AS organization_id,
  session AS session_id, tags AS request_tags, cache_hit, status AS cost_status,
  CASE WHEN error_code IS NULL THEN 'success' ELSE 'failure' END AS status,
  error_code, finish_reason, price_version, cost_lines, scopes, metadata
FROM entries;
`,
  `
-- how many requests a cache answered; before this version no entry was one of a cache
ALTER TABLE sums_by_quarter ADD COLUMN cache_hits INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sums_by_day ADD COLUMN cache_hits INTEGER NOT NULL DEFAULT 0;

-- which groups a scope is in, with and without its model
CREATE TABLE group_scopes (
  scope TEXT NOT NULL, group_id INTEGER NOT NULL, PRIMARY KEY (scope, group_id)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO group_scopes (scope, group_id)
  SELECT scope.value, group_id FROM entry_groups, json_each(entry_groups.scopes) AS scope;
-- a scope of few groups reads their days only
CREATE INDEX sums_by_day_group ON sums_by_day (group_id, bucket);
`,
  `
-- what providers' prompt caches saved; before this version nobody knew
ALTER TABLE entries ADD COLUMN cache_savings INTEGER;
ALTER TABLE sums_by_quarter ADD COLUMN cache_savings INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sums_by_day ADD COLUMN cache_savings INTEGER NOT NULL DEFAULT 0;
`,
];
