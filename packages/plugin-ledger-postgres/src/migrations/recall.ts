/**
 * What was reaped is told again until its entry is written; and a settlement may say what its entry has posted, for an id
 * that was forgotten.
 */
export function recallMigration(schema: string): string {
  return `
-- When it was reaped and last told; null again when somebody has seen to it.
ALTER TABLE ${schema}.reservations ADD COLUMN told_at timestamptz;
CREATE INDEX reservations_told_at ON ${schema}.reservations (told_at) WHERE told_at IS NOT NULL;

CREATE FUNCTION ${schema}.settle(
  ids text[], amounts bigint[], guesses boolean[], line_lists jsonb[], written bigint[]
) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  -- Ids that are not known: as if they had been settled at what their entries have posted.
  WITH recalled AS (
    SELECT DISTINCT ON (s.id COLLATE "C") s.id, s.lines, s.amount
    FROM unnest(ids, line_lists, written) AS s (id, lines, amount)
    WHERE s.amount IS NOT NULL AND NOT EXISTS (SELECT FROM ${schema}.reservations r WHERE r.id = s.id)
    ORDER BY s.id COLLATE "C"
  )
  INSERT INTO ${schema}.reservations (id, lines, request, estimate, settled_at, posted, guess)
    SELECT id, ARRAY(SELECT jsonb_array_elements_text(lines)), '[]', 0, clock_timestamp(), amount, true FROM recalled
    ON CONFLICT DO NOTHING;
  PERFORM ${schema}.settle(ids, amounts, guesses, line_lists);
END $$;

CREATE FUNCTION ${schema}.reap(most integer, remember interval, seen text[], again interval)
RETURNS TABLE (id text, estimate bigint, request jsonb) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  one record;
BEGIN
  UPDATE ${schema}.reservations r SET told_at = NULL WHERE r.id = ANY (seen);
  RETURN QUERY WITH due AS (
      SELECT r.id FROM ${schema}.reservations r WHERE r.told_at <= clock_timestamp() - again
      ORDER BY r.told_at LIMIT most FOR UPDATE SKIP LOCKED
    )
    UPDATE ${schema}.reservations r SET told_at = clock_timestamp() FROM due
    WHERE r.id = due.id RETURNING r.id, r.estimate, r.request;
  FOR one IN SELECT * FROM ${schema}.reap(most, remember) LOOP
    UPDATE ${schema}.reservations r SET told_at = clock_timestamp() WHERE r.id = one.id;
    id := one.id;
    estimate := one.estimate;
    request := one.request;
    RETURN NEXT;
  END LOOP;
END $$;`;
}
