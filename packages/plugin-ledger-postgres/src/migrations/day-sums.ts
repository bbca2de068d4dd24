const TOTALS = "billed, requests, failures, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens";
const COLUMNS = `billed numeric NOT NULL, requests bigint NOT NULL, failures bigint NOT NULL,
  input_tokens numeric NOT NULL, output_tokens numeric NOT NULL,
  cache_read_tokens numeric NOT NULL, cache_write_tokens numeric NOT NULL`;
const ADDED = TOTALS.replaceAll(/\w+/g, "sum($&)");
const NAMES = "operation, model, deployment, provider, organization, team, user_id, key_id";
const WORK = "operation, model, deployment, provider";

/**
 * Sums by day of UTC beside those by hour, and sums by tag and by customer, which an entry may have many of, or of which
 * there are many. What is summed up already is added up once more.
 */
export function daySumsMigration(schema: string): string {
  const labels = (bucket: string, key: string): string => `
CREATE TABLE ${schema}.label_sums_by_${bucket} (
  kind text COLLATE "C" NOT NULL, label text COLLATE "C" NOT NULL, ${bucket} bigint NOT NULL,
  operation text NOT NULL, model text NOT NULL, deployment text NOT NULL, provider text NOT NULL,
  digest text COLLATE "C" NOT NULL, ${COLUMNS},
  PRIMARY KEY (${key})
);`;
  return `
CREATE TABLE ${schema}.sums_by_day (
  day bigint NOT NULL,
  operation text NOT NULL, model text NOT NULL, deployment text NOT NULL, provider text NOT NULL,
  organization text NOT NULL, team text NOT NULL, user_id text NOT NULL, key_id text NOT NULL,
  digest text COLLATE "C" NOT NULL, ${COLUMNS},
  PRIMARY KEY (day, digest)
);
INSERT INTO ${schema}.sums_by_day (day, ${NAMES}, digest, ${TOTALS})
  SELECT floor(hour / 86400000.0)::bigint * 86400000, ${NAMES}, digest, ${ADDED}
  FROM ${schema}.sums_by_hour GROUP BY 1, ${NAMES}, digest;
${labels("hour", "kind, hour, digest")}
${labels("day", "kind, label, day, digest")}

-- the tags, or the customers, of an entry: of each key the id, which texts that are no JSON stand for themselves
CREATE FUNCTION ${schema}.labels(scope_keys text[], kind text) RETURNS TABLE (label text) LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN plain THEN key::jsonb ->> 1 ELSE key END
  FROM (
    SELECT key, right(key, 1) = ']' AND key !~ '\\\\u(0000|d[89a-f])' AS plain
    FROM unnest(scope_keys) AS key WHERE starts_with(key, '["' || kind || '",')
  ) AS keys
  WHERE NOT plain OR key::jsonb -> 2 IS NULL
$$;

INSERT INTO ${schema}.label_sums_by_hour (kind, label, hour, ${WORK}, digest, ${TOTALS})
  SELECT kind, coalesce(label, ''), started_at - mod(started_at, 3600000), ${WORK},
    md5(jsonb_build_array(coalesce(label, ''), ${WORK})::text),
    sum(billed), count(*), count(error_code), sum(input_tokens), sum(output_tokens), sum(cache_read_tokens),
    sum(cache_write_tokens)
  FROM ${schema}.entries CROSS JOIN (VALUES ('tag'), ('customer')) AS kinds (kind)
  LEFT JOIN LATERAL ${schema}.labels(scope_keys, kind) ON true
  WHERE tx < (SELECT tx FROM ${schema}.watermark) GROUP BY 1, 2, 3, ${WORK};
INSERT INTO ${schema}.label_sums_by_day (kind, label, day, ${WORK}, digest, ${TOTALS})
  SELECT kind, label, floor(hour / 86400000.0)::bigint * 86400000, ${WORK}, digest, ${ADDED}
  FROM ${schema}.label_sums_by_hour GROUP BY 1, 2, 3, ${WORK}, digest;`;
}
