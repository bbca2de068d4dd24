/** Counters and reservations. Each operation is one call, so that locks are never held over a round trip. */
export function reservationsMigration(schema: string): string {
  return `
CREATE TABLE ${schema}.counters (
  line text COLLATE "C" PRIMARY KEY,
  posted bigint NOT NULL DEFAULT 0,
  pending bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE ${schema}.reservations (
  id text COLLATE "C" PRIMARY KEY,
  lines text[] NOT NULL,
  -- as they were reserved, with their limits: what reaping tells
  request jsonb NOT NULL,
  estimate bigint NOT NULL,
  leased_until timestamptz,
  settled_at timestamptz,
  posted bigint NOT NULL DEFAULT 0,
  guess boolean NOT NULL DEFAULT false
) WITH (fillfactor = 70);
CREATE INDEX reservations_leased_until ON ${schema}.reservations (leased_until) WHERE settled_at IS NULL;
CREATE INDEX reservations_settled_at ON ${schema}.reservations (settled_at) WHERE settled_at IS NOT NULL;

-- Makes the counters that are missing and locks all, always in the same order.
CREATE FUNCTION ${schema}.lock_counters(wanted text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO ${schema}.counters (line)
    SELECT DISTINCT name COLLATE "C" AS line FROM unnest(wanted) AS name
    WHERE NOT EXISTS (SELECT FROM ${schema}.counters WHERE line = name) ORDER BY line
    ON CONFLICT DO NOTHING;
  PERFORM FROM ${schema}.counters WHERE line = ANY (wanted) ORDER BY line FOR UPDATE;
END $$;

-- No row: it is held. A row: the place in wanted of the line that denies, and where its counter stands.
CREATE FUNCTION ${schema}.reserve(
  wanted_id text, amount bigint, wanted text[], limits bigint[], wanted_request jsonb, lease_ms double precision
) RETURNS TABLE (place integer, posted bigint, pending bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  INSERT INTO ${schema}.reservations (id, lines, request, estimate, leased_until)
    VALUES (wanted_id, wanted, wanted_request, amount, clock_timestamp() + lease_ms * interval '1 millisecond')
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM ${schema}.lock_counters(wanted);
  RETURN QUERY SELECT line.place::integer, c.posted, c.pending
    FROM unnest(wanted, limits) WITH ORDINALITY AS line (name, most, place) JOIN ${schema}.counters c ON c.line = line.name
    WHERE c.posted::numeric + c.pending + amount > line.most ORDER BY line.place LIMIT 1;
  IF FOUND THEN
    DELETE FROM ${schema}.reservations WHERE id = wanted_id;
  ELSE
    UPDATE ${schema}.counters SET pending = pending + amount WHERE line = ANY (wanted);
  END IF;
END $$;

CREATE FUNCTION ${schema}.settle(ids text[], amounts bigint[], guesses boolean[], line_lists jsonb[]) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  one record;
  held record;
BEGIN
  -- Ids that were never held get a settled row first, so that each id has one to lock.
  INSERT INTO ${schema}.reservations (id, lines, request, estimate, leased_until)
    SELECT DISTINCT ON (s.id COLLATE "C") s.id, ARRAY(SELECT jsonb_array_elements_text(s.lines)), '[]', 0, clock_timestamp()
    FROM unnest(ids, line_lists) AS s (id, lines)
    WHERE NOT EXISTS (SELECT FROM ${schema}.reservations r WHERE r.id = s.id) ORDER BY s.id COLLATE "C"
    ON CONFLICT DO NOTHING;
  PERFORM FROM ${schema}.reservations WHERE id = ANY (ids) ORDER BY id FOR UPDATE;
  PERFORM ${schema}.lock_counters(ARRAY(
    SELECT DISTINCT unnest(lines) FROM ${schema}.reservations WHERE id = ANY (ids)));
  FOR one IN SELECT * FROM unnest(ids, amounts, guesses) WITH ORDINALITY AS s (id, actual, guess, place) ORDER BY place LOOP
    SELECT * INTO held FROM ${schema}.reservations WHERE id = one.id;
    CONTINUE WHEN held.settled_at IS NOT NULL AND (NOT held.guess OR one.guess);
    UPDATE ${schema}.counters SET posted = posted + one.actual - held.posted,
      pending = pending - CASE WHEN held.settled_at IS NULL THEN held.estimate ELSE 0 END
      WHERE line = ANY (held.lines);
    UPDATE ${schema}.reservations SET posted = one.actual, guess = one.guess, settled_at = clock_timestamp()
      WHERE id = one.id;
  END LOOP;
END $$;

-- Posts at most "most" reservations whose lease is over at their estimate, and forgets settlements after a while.
CREATE FUNCTION ${schema}.reap(most integer, remember interval) RETURNS TABLE (id text, estimate bigint, request jsonb)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  expired text[];
  one record;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtextextended('reap ${schema.replaceAll("'", "''")}', 0)) THEN RETURN; END IF;
  expired := ARRAY(SELECT r.id FROM ${schema}.reservations r
    WHERE r.settled_at IS NULL AND r.leased_until <= clock_timestamp() ORDER BY r.leased_until LIMIT most);
  expired := ARRAY(SELECT r.id FROM ${schema}.reservations r WHERE r.id = ANY (expired)
    AND r.settled_at IS NULL AND r.leased_until <= clock_timestamp() ORDER BY r.id FOR UPDATE);
  PERFORM ${schema}.lock_counters(ARRAY(
    SELECT DISTINCT unnest(r.lines) FROM ${schema}.reservations r WHERE r.id = ANY (expired)));
  FOR one IN SELECT r.* FROM ${schema}.reservations r WHERE r.id = ANY (expired) LOOP
    UPDATE ${schema}.counters SET pending = pending - one.estimate, posted = posted + one.estimate
      WHERE line = ANY (one.lines);
  END LOOP;
  DELETE FROM ${schema}.reservations WHERE id IN (
    SELECT r.id FROM ${schema}.reservations r WHERE r.settled_at < clock_timestamp() - remember
    ORDER BY r.settled_at LIMIT most FOR UPDATE SKIP LOCKED);
  RETURN QUERY UPDATE ${schema}.reservations r
    SET settled_at = clock_timestamp(), posted = r.estimate, guess = true
    WHERE r.id = ANY (expired) RETURNING r.id, r.estimate, r.request;
END $$;`;
}
