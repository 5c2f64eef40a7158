/*
 * oauth_documents.c
 *		Discovery documents and keys of OpenID providers, as they were last
 *		fetched: table authfort.oauth_documents.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/spi_query.h"
#include "domain/oauth_documents.h"

/* After so many useless answers in a row, a provider whose document never came is asked seldom. */
#define MAX_FAILURES 10
#define RETRY_SECONDS 5

/* In the order of OAuthDocument; stored. */
static const char *const kind_names[] = {"discovery", "keys"};

static Datum
kind_datum(OAuthDocument kind)
{
	return CStringGetTextDatum(kind_names[kind]);
}

Jsonb *
oauth_documents_find(const char *provider, OAuthDocument kind, const char *url, bool *fresh)
{
	static SpiQuery query = {
		"SELECT document, fetched_at FROM authfort.oauth_documents"
		" WHERE provider OPERATOR(pg_catalog.=) $1 AND kind OPERATOR(pg_catalog.=) $2"
		" AND url OPERATOR(pg_catalog.=) $3 AND document IS NOT NULL",
		3,
		{TEXTOID, TEXTOID, TEXTOID},
	};
	MemoryContext caller = CurrentMemoryContext;
	Datum values[3] = {CStringGetTextDatum(provider), kind_datum(kind), CStringGetTextDatum(url)};
	Jsonb *document = NULL;

	*fresh = false;
	spi_query_open();
	if (spi_query_run(&query, values, NULL, SPI_OK_SELECT) > 0)
	{
		MemoryContext inner = MemoryContextSwitchTo(caller);

		document = DatumGetJsonbPCopy(spi_query_datum(1));
		MemoryContextSwitchTo(inner);
		*fresh = GetCurrentTimestamp() - spi_query_time(2) < USECS_PER_DAY;
	}
	spi_query_close();
	return document;
}

/* One row decides between concurrent transactions; the second waits only for a commit without a fetch. */
bool
oauth_documents_may_ask(const char *provider, OAuthDocument kind, const char *url)
{
	static SpiQuery query = {
		"INSERT INTO authfort.oauth_documents AS d (provider, kind, url, asked_at)"
		" VALUES ($1, $2, $3, $4) ON CONFLICT (provider, kind) WHERE provider IS NOT NULL"
		" DO UPDATE SET asked_at = EXCLUDED.asked_at, url = EXCLUDED.url,"
		" document = CASE WHEN d.url OPERATOR(pg_catalog.=) EXCLUDED.url THEN d.document END,"
		" failures = CASE WHEN d.url OPERATOR(pg_catalog.=) EXCLUDED.url THEN d.failures ELSE 0 END"
		" WHERE d.url OPERATOR(pg_catalog.<>) EXCLUDED.url"
		" OR d.asked_at OPERATOR(pg_catalog.<=) CASE WHEN d.document IS NULL THEN $6 ELSE $5 END"
		" OR (d.document IS NULL AND d.failures OPERATOR(pg_catalog.<) $7) RETURNING id",
		7,
		{TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT4OID},
	};
	TimestampTz now = GetCurrentTimestamp();
	Datum values[7] = {CStringGetTextDatum(provider),
					   kind_datum(kind),
					   CStringGetTextDatum(url),
					   TimestampTzGetDatum(now),
					   TimestampTzGetDatum(now - USECS_PER_MINUTE),
					   TimestampTzGetDatum(now - RETRY_SECONDS * USECS_PER_SEC),
					   Int32GetDatum(MAX_FAILURES)};

	return spi_query_run_alone(&query, values, NULL, SPI_OK_INSERT_RETURNING) > 0;
}

/* The row that an answer is for, unless another transaction is at it. */
#define ROW_OF_ANSWER \
	" WHERE id OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT d.id FROM authfort.oauth_documents d" \
	" WHERE d.provider OPERATOR(pg_catalog.=) $1 AND d.kind OPERATOR(pg_catalog.=) $2" \
	" AND d.url OPERATOR(pg_catalog.=) $3 FOR UPDATE SKIP LOCKED))"

void
oauth_documents_keep(const char *provider, OAuthDocument kind, const char *url, Jsonb *document)
{
	static SpiQuery query = {
		"UPDATE authfort.oauth_documents SET document = $4, fetched_at = $5, failures = 0" ROW_OF_ANSWER,
		5,
		{TEXTOID, TEXTOID, TEXTOID, JSONBOID, TIMESTAMPTZOID},
	};
	Datum values[5] = {CStringGetTextDatum(provider), kind_datum(kind), CStringGetTextDatum(url),
					   JsonbPGetDatum(document), TimestampTzGetDatum(GetCurrentTimestamp())};

	spi_query_run_alone(&query, values, NULL, SPI_OK_UPDATE);
}

void
oauth_documents_note_failure(const char *provider, OAuthDocument kind, const char *url)
{
	static SpiQuery query = {
		"UPDATE authfort.oauth_documents SET failures = LEAST(failures OPERATOR(pg_catalog.+) 1, $4)" ROW_OF_ANSWER
		" AND document IS NULL",
		4,
		{TEXTOID, TEXTOID, TEXTOID, INT4OID},
	};
	Datum values[4] = {CStringGetTextDatum(provider), kind_datum(kind), CStringGetTextDatum(url),
					   Int32GetDatum(MAX_FAILURES)};

	spi_query_run_alone(&query, values, NULL, SPI_OK_UPDATE);
}

void
oauth_documents_delete(const char *provider)
{
	static SpiQuery query = {
		"DELETE FROM authfort.oauth_documents WHERE provider OPERATOR(pg_catalog.=) $1",
		1,
		{TEXTOID},
	};
	Datum value = CStringGetTextDatum(provider);

	spi_query_run_alone(&query, &value, NULL, SPI_OK_DELETE);
}
