/*
 * user_search.c
 *		Finding users by a part of their email or name.
 *
 * The statement is put together from constant pieces, so that it is planned
 * for the given filter and can use the index; all values are parameters.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/arguments.h"
#include "base/spi_query.h"
#include "base/unicode.h"
#include "domain/input.h"
#include "domain/user_search.h"

PG_FUNCTION_INFO_V1(authfort_search_grams);
PG_FUNCTION_INFO_V1(authfort_search_matches);

#define GRAM_CHARACTERS 3

/* How many grams of a query are looked up in the index at most. */
#define GRAMS_LOOKED_UP 4

/*
 * Bytes of a text that is looked for; no email and no name is longer.  Folding
 * a long text takes seconds, and reacts to no cancel.
 */
#define MAX_QUERY_BYTES 8192

/* Above this share of users, reading the whole table is cheaper than the index. */
#define COMMON_SHARE 0.5

/* Numbers of the parameters of a search. */
enum
{
	PARAMETER_GRAMS,
	PARAMETER_PART,
	PARAMETER_BANNED,
	PARAMETER_ROLE,
	PARAMETER_LIMIT,
	PARAMETER_OFFSET,
	PARAMETER_COUNT,
};

typedef struct Search
{
	StringInfoData where;
	Datum values[PARAMETER_COUNT];
	char nulls[PARAMETER_COUNT];
} Search;

static Oid parameter_types[PARAMETER_COUNT] = {
	INT4ARRAYOID, TEXTOID, BOOLOID, TEXTOID, INT4OID, INT4OID,
};

/* The grams of texts so far, with room for those of one more. */
typedef struct Grams
{
	Datum *hashes;
	int count;
} Grams;

static void
add_grams(Grams *grams, const char *text)
{
	char *folded = unicode_fold(text);
	const char *end = folded;
	int characters = 0;

	grams->hashes =
		(grams->hashes == NULL)
			? palloc((strlen(folded) + 1) * sizeof(Datum))
			: repalloc(grams->hashes, (grams->count + strlen(folded) + 1) * sizeof(Datum));

	/* "folded" follows "end" three characters behind */
	while (*end != '\0')
	{
		end += pg_mblen(end);
		if (++characters < GRAM_CHARACTERS)
			continue;
		grams->hashes[grams->count++] =
			Int32GetDatum((int32) hash_bytes((const unsigned char *) folded, end - folded));
		folded += pg_mblen(folded);
	}
}

static int
compare_hashes(const void *a, const void *b)
{
	int32 left = DatumGetInt32(*(const Datum *) a);
	int32 right = DatumGetInt32(*(const Datum *) b);

	return (left > right) - (left < right);
}

/* Sorts them and removes duplicates. */
static void
sort_grams(Grams *grams)
{
	int distinct = 0;

	if (grams->count > 1)
		qsort(grams->hashes, grams->count, sizeof(Datum), compare_hashes);
	for (int i = 0; i < grams->count; i++)
	{
		if (distinct == 0 || grams->hashes[i] != grams->hashes[distinct - 1])
			grams->hashes[distinct++] = grams->hashes[i];
	}
	grams->count = distinct;
}

static Datum
grams_to_array(const Grams *grams)
{
	return PointerGetDatum(
		construct_array(grams->hashes, grams->count, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

/* The share of users who have the gram; 0 if it is not among the common ones. */
static float4
gram_share(const AttStatsSlot *common, Datum hash)
{
	for (int i = 0; i < common->nvalues; i++)
	{
		if (DatumGetInt32(common->values[i]) == DatumGetInt32(hash))
			return common->numbers[i];
	}
	return 0;
}

/* Puts the rarest of the grams from "first" on in its place; returns its share. */
static float4
bring_rarest(Grams *grams, int first, const AttStatsSlot *common)
{
	Datum hash = grams->hashes[first];
	float4 least = gram_share(common, hash);
	int rarest = first;

	for (int i = first + 1; i < grams->count && least > 0; i++)
	{
		float4 share = gram_share(common, grams->hashes[i]);

		if (share < least)
		{
			least = share;
			rarest = i;
		}
	}
	grams->hashes[first] = grams->hashes[rarest];
	grams->hashes[rarest] = hash;
	return least;
}

/*
 * The index reads the posting list of each gram, and that of ".com" has nearly
 * every user while it excludes hardly any.  So only the rarest grams are
 * looked up, according to the statistics of ANALYZE. Matches are rechecked
 * anyway.
 */
static void
keep_rarest(Grams *grams)
{
	Oid index = get_relname_relid("users_search", get_namespace_oid("authfort", true));
	HeapTuple statistics = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(index), Int16GetDatum(1),
										   BoolGetDatum(false));
	AttStatsSlot common;

	if (!HeapTupleIsValid(statistics))
		return;
	if (get_attstatsslot(&common, statistics, STATISTIC_KIND_MCELEM, InvalidOid,
						 ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS))
	{
		int kept = 0;

		while (kept < Min(grams->count, GRAMS_LOOKED_UP) &&
			   bring_rarest(grams, kept, &common) < COMMON_SHARE)
			kept++;
		grams->count = kept;
		free_attstatsslot(&common);
	}
	ReleaseSysCache(statistics);
}

/* The texts of a VARIADIC argument that are not NULL. */
static char **
variadic_texts(FunctionCallInfo fcinfo, int number, int *count)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(number);
	Datum *elements;
	bool *nulls;
	int all;
	char **texts;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &all);
	texts = palloc(Max(all, 1) * sizeof(char *));
	*count = 0;
	for (int i = 0; i < all; i++)
	{
		if (!nulls[i])
			texts[(*count)++] = TextDatumGetCString(elements[i]);
	}
	return texts;
}

/* search_grams(VARIADIC texts) -> integer[] */
Datum
authfort_search_grams(PG_FUNCTION_ARGS)
{
	Grams grams = {0};
	int count;
	char **texts;

	argument_require(fcinfo, 0, "texts");
	texts = variadic_texts(fcinfo, 0, &count);
	for (int i = 0; i < count; i++)
		add_grams(&grams, texts[i]);
	sort_grams(&grams);
	PG_RETURN_DATUM(grams_to_array(&grams));
}

/* search_matches(part, VARIADIC texts) -> boolean */
Datum
authfort_search_matches(PG_FUNCTION_ARGS)
{
	char *part = unicode_fold(argument_text(fcinfo, 0, "part"));
	int count;
	char **texts;

	argument_require(fcinfo, 1, "texts");
	texts = variadic_texts(fcinfo, 1, &count);
	for (int i = 0; i < count; i++)
	{
		if (strstr(unicode_fold(texts[i]), part) != NULL)
			PG_RETURN_BOOL(true);
	}
	PG_RETURN_BOOL(false);
}

static void
add_condition(Search *search, int parameter, Datum value, const char *condition)
{
	appendStringInfo(&search->where, " AND %s", condition);
	search->values[parameter] = value;
	search->nulls[parameter] = ' ';
}

static void
add_role_condition(Search *search, const char *role)
{
	if (role == NULL)
		appendStringInfoString(&search->where, " AND false");
	else
		add_condition(search, PARAMETER_ROLE, CStringGetTextDatum(role),
					  "EXISTS (SELECT FROM authfort.user_roles r"
					  " WHERE r.user_id OPERATOR(pg_catalog.=) u.id"
					  " AND r.role OPERATOR(pg_catalog.=) $4)");
}

/* Conditions of the filter. */
static void
begin_search(Search *search, const UserFilter *filter)
{
	Grams grams = {0};

	initStringInfo(&search->where);
	memset(search->values, 0, sizeof(search->values));
	memset(search->nulls, 'n', sizeof(search->nulls));
	appendStringInfoString(&search->where,
						   filter->deleted ? " WHERE true" : " WHERE u.deleted_at IS NULL");
	if (filter->query != NULL && strnlen(filter->query, MAX_QUERY_BYTES + 1) > MAX_QUERY_BYTES)
		appendStringInfoString(&search->where, " AND false");
	else if (filter->query != NULL && filter->query[0] != '\0')
	{
		add_grams(&grams, filter->query);
		sort_grams(&grams);
		keep_rarest(&grams);
		if (grams.count > 0)
			add_condition(search, PARAMETER_GRAMS, grams_to_array(&grams),
						  "authfort_internal.search_grams(u.email, u.name) OPERATOR(pg_catalog.@>) $1");
		add_condition(search, PARAMETER_PART, CStringGetTextDatum(filter->query),
					  "authfort_internal.search_matches($2, u.email, u.name)");
	}
	if (filter->banned != NULL)
		add_condition(search, PARAMETER_BANNED, BoolGetDatum(*filter->banned),
					  "u.banned OPERATOR(pg_catalog.=) $3");
	if (filter->role != NULL)
		add_role_condition(search, input_asked_role(filter->role));
}

static uint64
run_search(Search *search, const char *query)
{
	return spi_query_run_once(query, PARAMETER_COUNT, parameter_types, search->values,
							  search->nulls, SPI_OK_SELECT);
}

int64
user_search_count(const UserFilter *filter)
{
	Search search;
	int64 count;

	begin_search(&search, filter);
	spi_query_open();
	run_search(&search,
			   psprintf("SELECT pg_catalog.count(*) FROM authfort.users u%s", search.where.data));
	count = DatumGetInt64(spi_query_datum(1));
	spi_query_close();
	return count;
}

/* The id comes last, so that the order is total and pages do not overlap. */
static const char *
order_clause(const UserPage *page)
{
	switch (page->order)
	{
		case USERS_BY_CREATED_AT:
			return page->ascending ? "u.created_at, u.id" : "u.created_at DESC, u.id DESC";
		case USERS_BY_EMAIL:
			return page->ascending ? "u.email, u.id" : "u.email DESC, u.id DESC";
		case USERS_BY_NAME:
			return page->ascending ? "u.name, u.id" : "u.name DESC NULLS LAST, u.id DESC";
	}
	pg_unreachable();
}

User **
user_search(const UserFilter *filter, const UserPage *page, int *count)
{
	MemoryContext caller = CurrentMemoryContext;
	Search search;
	User **users;

	begin_search(&search, filter);
	search.values[PARAMETER_LIMIT] = Int32GetDatum(page->limit);
	search.nulls[PARAMETER_LIMIT] = ' ';
	search.values[PARAMETER_OFFSET] = Int32GetDatum(page->offset);
	search.nulls[PARAMETER_OFFSET] = ' ';
	spi_query_open();
	*count = run_search(&search, psprintf("SELECT " USER_COLUMNS " FROM authfort.users u%s"
										  " ORDER BY %s LIMIT $5 OFFSET $6",
										  search.where.data, order_clause(page)));
	users = MemoryContextAlloc(caller, Max(*count, 1) * sizeof(User *));
	for (int i = 0; i < *count; i++)
	{
		spi_query_use_row(i);
		users[i] = users_read_row(caller);
	}
	spi_query_close();
	return users;
}

bool
user_order_by_name(const char *name, UserOrder *order)
{
	static const char *const names[] = {"created_at", "email", "name"};

	for (size_t i = 0; i < lengthof(names); i++)
	{
		if (strcmp(name, names[i]) == 0)
		{
			*order = (UserOrder) i;
			return true;
		}
	}
	return false;
}

bool
user_direction_by_name(const char *name, bool *ascending)
{
	*ascending = strcmp(name, "asc") == 0;
	return *ascending || strcmp(name, "desc") == 0;
}
