-- Prints "NAME MICROSECONDS", the best of several rounds of "query", which does something "count" times.
CREATE PROCEDURE pg_temp.time_it(name text, count integer, query text, rounds integer DEFAULT 7) LANGUAGE plpgsql AS $$
DECLARE
	start timestamptz;
	best numeric;
BEGIN
	FOR i IN 1 .. rounds LOOP
		start := clock_timestamp();
		EXECUTE query;
		best := least(best, extract(epoch FROM clock_timestamp() - start) * 1e6 / count);
	END LOOP;
	RAISE INFO '% %', name, round(best, 2);
END $$;
