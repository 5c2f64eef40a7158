-- For figures that are compared with each other: both are measured in one backend, in turn and for
-- about as long, so that what else the machine does falls on both.  Read by \ir; the variable
-- "bare" names the module of bare.c.
CREATE FUNCTION pg_temp.bare_verify(algorithm text, count integer) RETURNS double precision LANGUAGE c AS :'bare', 'bare_verify';
CREATE FUNCTION pg_temp.bare_hash() RETURNS double precision LANGUAGE c AS :'bare', 'bare_hash';

-- The queries return microseconds of one operation, so nothing is planned in what is measured; $1 is
-- the round, and round 0 warms up.  Prints "NAME MICROSECONDS" for both, medians, and the median of
-- their ratios as "NAME/OTHER RATIO".
CREATE PROCEDURE pg_temp.compare(name text, query text, other text, other_query text, rounds integer) LANGUAGE plpgsql AS $$
DECLARE
	mine double precision;
	its double precision;
	results double precision[] = '{}';
	medians numeric[];
BEGIN
	FOR round IN 0 .. rounds LOOP
		EXECUTE query INTO mine USING round;
		EXECUTE other_query INTO its USING round;
		CONTINUE WHEN round = 0;
		results := results || ARRAY[[mine, its, mine / its]];
	END LOOP;
	SELECT array_agg(median ORDER BY number) INTO medians FROM (SELECT number,
			round((percentile_cont(0.5) WITHIN GROUP (ORDER BY results[round][number]))::numeric, 2) AS median
		FROM generate_series(1, rounds) round, generate_series(1, 3) number GROUP BY number) m;
	RAISE INFO '% %', name, medians[1];
	RAISE INFO '% %', other, medians[2];
	RAISE INFO '%/% %', name, other, medians[3];
END $$;

CREATE FUNCTION pg_temp.last_event(name text) RETURNS authfort.events LANGUAGE sql AS
	$$ SELECT e FROM authfort.events e WHERE event = name ORDER BY id DESC LIMIT 1 $$;

-- Microseconds of an insertion of such an event.
CREATE FUNCTION pg_temp.record_often(e authfort.events, count integer) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
	start timestamptz := clock_timestamp();
BEGIN
	FOR i IN 1 .. count LOOP
		INSERT INTO authfort.events (event, created_at, user_id, session_id, ip_address, user_agent, payload)
			VALUES (e.event, clock_timestamp(), e.user_id, e.session_id, e.ip_address, e.user_agent,
				jsonb_build_object('user_id', e.user_id, 'ip_address', e.ip_address, 'user_agent', e.user_agent, 'timestamp', clock_timestamp()));
	END LOOP;
	RETURN extract(epoch FROM clock_timestamp() - start) * 1e6 / count;
END $$;
