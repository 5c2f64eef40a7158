/*
 * sessions.c
 *		Sessions: table authfort.sessions.
 *
 * A transaction that locks a user and sessions of that user locks the user
 * first.  Rotation locks only the session.
 */
#include "postgres.h"

#include <sodium.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "base/arguments.h"
#include "base/json.h"
#include "base/keyed_row.h"
#include "base/spi_query.h"
#include "base/uuid.h"
#include "compat.h"
#include "domain/input.h"
#include "domain/sessions.h"
#include "domain/user_rows.h"
#include "domain/users.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(authfort_get_sessions);

/*
 * Each rotation moves last_used_at and expires_at.  They are shown by the hour,
 * so that a thief with a copy of the tokens cannot watch for the moment at which
 * the owner uses them.  Before the first rotation, the end of a session
 * reveals no more than its beginning.
 */
#define SHOWN_USE "pg_catalog.date_trunc('hour', last_used_at, 'UTC')"
#define SHOWN_END \
	"CASE WHEN parent IS NULL THEN expires_at ELSE pg_catalog.date_trunc('hour', expires_at, 'UTC') END"

static TimestampTz
seconds_after(TimestampTz time, int seconds)
{
	return TimestampTzPlusMilliseconds(time, INT64CONST(1000) * seconds);
}

/* When a session that is used now ends, unless it is used again. */
static TimestampTz
expiry(TimestampTz created_at, TimestampTz now)
{
	TimestampTz sliding = seconds_after(now, setting_refresh_token_ttl);

	if (setting_session_max_lifetime > 0)
		return Min(sliding, seconds_after(created_at, setting_session_max_lifetime));
	return sliding;
}

bool
session_is_expired(const Session *session)
{
	return session->expires_at <= GetCurrentTimestamp();
}

bool
session_has_ended(const Session *session)
{
	return session->revoked || session_is_expired(session);
}

int
session_seconds_left(const Session *session)
{
	TimestampTz start = GetCurrentTransactionStartTimestamp();
	TimestampTz left = (session->expires_at - start) / USECS_PER_SEC;

	/* a session that this transaction started or rotated ends a moment later than that */
	return Min(Max(left, 0), setting_refresh_token_ttl);
}

static bool
is_within_grace(TimestampTz time, TimestampTz now)
{
	return !TimestampDifferenceExceeds(time, now, setting_refresh_grace * 1000);
}

bool
session_replaced_within_grace(const Session *session, uint32 generation)
{
	uint32 rotations_since = session->generation - 1 - generation;
	TimestampTz now = GetCurrentTimestamp();

	if (rotations_since == 0 || generation == session->parent)
		return is_within_grace(session->last_used_at, now);
	return rotations_since <= (uint32) session->rotations &&
		   is_within_grace(session->rotated_at[rotations_since - 1], now);
}

/* Surplus elements were written by another version or by hand. */
static void
read_rotations(Datum array, Session *session)
{
	Datum *times;
	bool *nulls;
	int count;

	deconstruct_array(DatumGetArrayTypeP(array), TIMESTAMPTZOID, sizeof(TimestampTz),
					  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &times, &nulls, &count);
	while (session->rotations < Min(count, SESSION_ROTATIONS) && !nulls[session->rotations])
	{
		session->rotated_at[session->rotations] = DatumGetTimestampTz(times[session->rotations]);
		session->rotations++;
	}
}

bool
sessions_find(const pg_uuid_t *id, Session *session)
{
	static SpiQuery query = {
		"SELECT user_id, salt, generation, created_at, last_used_at, expires_at,"
		" revoked_at IS NOT NULL, parent, rotated_at, aal, amr, auth_time"
		" FROM authfort.sessions WHERE id OPERATOR(pg_catalog.=) $1",
		1,
		{UUIDOID},
	};
	MemoryContext caller = CurrentMemoryContext;
	Datum key = UUIDPGetDatum(id);
	bool found;

	spi_query_open();
	found = spi_query_run(&query, &key, NULL, SPI_OK_SELECT) > 0;
	if (found)
	{
		bytea *salt = DatumGetByteaPP(spi_query_datum(2));

		session->id = *id;
		spi_query_uuid(1, &session->user_id);
		memcpy(session->salt, VARDATA_ANY(salt), sizeof(session->salt));
		session->generation = DatumGetInt32(spi_query_datum(3));
		session->created_at = spi_query_time(4);
		session->last_used_at = spi_query_time(5);
		session->expires_at = spi_query_time(6);
		session->revoked = DatumGetBool(spi_query_datum(7));
		session->parent = spi_query_is_null(8) ? 0 : DatumGetInt32(spi_query_datum(8));
		session->rotations = 0;
		if (!spi_query_is_null(9))
			read_rotations(spi_query_datum(9), session);
		session->aal = DatumGetInt16(spi_query_datum(10));
		session->amr = spi_query_texts(caller, 11, &session->amr_count);
		session->auth_time = spi_query_time(12);
	}
	spi_query_close();
	return found;
}

bool
sessions_find_live(const pg_uuid_t *id, const pg_uuid_t *user_id, Session *session)
{
	return sessions_find(id, session) && !session_has_ended(session) &&
		   (user_id == NULL || uuid_equal(&session->user_id, user_id));
}

bool
sessions_is_live(const pg_uuid_t *id, const pg_uuid_t *user_id)
{
	KeyedRow row;
	bool not_revoked;
	bool isnull;
	Datum owner;
	Datum expires_at;
	bool live;

	if (!keyed_row_open(&row, "sessions", "sessions_pkey", id))
		return false;
	(void) keyed_row_column(&row, "revoked_at", &not_revoked);
	owner = keyed_row_column(&row, "user_id", &isnull);
	expires_at = keyed_row_column(&row, "expires_at", &isnull);
	live = not_revoked && uuid_equal(DatumGetUUIDP(owner), user_id) &&
		   DatumGetTimestampTz(expires_at) > GetCurrentTimestamp();
	keyed_row_close(&row);
	return live;
}

static Datum
methods_datum(const char *const *methods, int count)
{
	Datum values[AMR_MAX];

	for (int i = 0; i < count; i++)
		values[i] = CStringGetTextDatum(methods[i]);
	return PointerGetDatum(construct_array(values, count, TEXTOID, -1, false, TYPALIGN_INT));
}

void
sessions_start(const pg_uuid_t *user_id, const Authentication *how, const Client *client,
			   Session *session)
{
	static SpiQuery query = {
		"INSERT INTO authfort.sessions"
		" (user_id, salt, generation, created_at, last_used_at, auth_time, expires_at, user_agent,"
		" ip_address, aal, amr)"
		" SELECT u.id, $2, $3, $4, $4, $4, $5, $6, $7, $8, $9" FROM_USER("$1") " RETURNING id", 9,
			{UUIDOID, BYTEAOID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, INETOID, INT2OID,
			 TEXTARRAYOID},
	};
	char *user_agent = input_user_agent(client->user_agent);
	bytea *salt = palloc(VARHDRSZ + sizeof(session->salt));
	Datum values[9];
	char nulls[9] = {' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '};

	randombytes_buf(session->salt, sizeof(session->salt));
	SET_VARSIZE(salt, VARHDRSZ + sizeof(session->salt));
	memcpy(VARDATA(salt), session->salt, sizeof(session->salt));
	session->user_id = *user_id;
	session->generation = 1;
	session->parent = 0;
	session->rotations = 0;
	session->created_at = session->last_used_at = session->auth_time = GetCurrentTimestamp();
	session->expires_at = expiry(session->created_at, session->created_at);
	session->revoked = false;
	session->aal = how->aal;
	session->amr_count = how->amr_count;
	session->amr = palloc(AMR_MAX * sizeof(char *));
	for (int i = 0; i < how->amr_count; i++)
		session->amr[i] = pstrdup(how->amr[i]);

	values[0] = UUIDPGetDatum(user_id);
	values[1] = PointerGetDatum(salt);
	values[2] = Int32GetDatum(session->generation);
	values[3] = TimestampTzGetDatum(session->created_at);
	values[4] = TimestampTzGetDatum(session->expires_at);
	values[5] = (user_agent != NULL) ? CStringGetTextDatum(user_agent) : (Datum) 0;
	nulls[5] = (user_agent != NULL) ? ' ' : 'n';
	values[6] = client->ip;
	nulls[6] = client->has_ip ? ' ' : 'n';
	values[7] = Int16GetDatum(how->aal);
	values[8] = methods_datum(how->amr, how->amr_count);

	spi_query_open();
	if (spi_query_run(&query, values, nulls, SPI_OK_INSERT_RETURNING) == 0)
		users_raise_unknown(user_id);
	spi_query_uuid(1, &session->id);
	spi_query_close();
}

bool
sessions_authenticated(const pg_uuid_t *id, const Authentication *how)
{
	static SpiQuery query = {
		"UPDATE authfort.sessions s SET auth_time = $2, aal = GREATEST(s.aal, $3),"
		" amr = s.amr OPERATOR(pg_catalog.||) ARRAY(SELECT a FROM pg_catalog.unnest($4) AS a"
		" WHERE a OPERATOR(pg_catalog.<>) ALL (s.amr))"
		" WHERE s.id OPERATOR(pg_catalog.=) $1 AND s.revoked_at IS NULL",
		4,
		{UUIDOID, TIMESTAMPTZOID, INT2OID, TEXTARRAYOID},
	};
	Datum values[4] = {UUIDPGetDatum(id), TimestampTzGetDatum(GetCurrentTimestamp()),
					   Int16GetDatum(how->aal), methods_datum(how->amr, how->amr_count)};

	return spi_query_run_alone(&query, values, NULL, SPI_OK_UPDATE) > 0;
}

/* The time is unknown because the methods that are left may have been used long before. */
void
sessions_forget_methods(const pg_uuid_t *user_id, const char *const *methods, int count,
						const pg_uuid_t *kept)
{
	static SpiQuery query = {
		"UPDATE authfort.sessions s SET aal = 1, auth_time = 'epoch',"
		" amr = ARRAY(SELECT a FROM pg_catalog.unnest(s.amr) AS a"
		" WHERE a OPERATOR(pg_catalog.<>) ALL ($2)"
		" AND a OPERATOR(pg_catalog.<>) '" AMR_MULTIPLE "')"
		" WHERE s.user_id OPERATOR(pg_catalog.=) $1 AND s.revoked_at IS NULL"
		" AND s.amr OPERATOR(pg_catalog.&&) $2"
		" AND ($3 IS NULL OR s.id OPERATOR(pg_catalog.<>) $3)",
		3,
		{UUIDOID, TEXTARRAYOID, UUIDOID},
	};
	Datum values[3] = {UUIDPGetDatum(user_id), methods_datum(methods, count), UUIDPGetDatum(kept)};

	spi_query_run_alone(&query, values, (kept == NULL) ? "  n" : NULL, SPI_OK_UPDATE);
}

/*
 * Prepends the last rotation to those that the grace period may still need.
 *
 * If the answer to a parent was lost, the last rotation replaced that parent a
 * second time, and its grace period begins again.  The generations between the
 * two were replaced before the grace period; the beginning of the session serves
 * as its time.
 */
static void
remember_rotation(Session *session, TimestampTz now)
{
	uint32 parent = session->generation - 1 - session->parent; /* its index */
	int kept = 0;

	for (int i = 0; i < Min(session->rotations, SESSION_ROTATIONS - 1); i++)
	{
		if (is_within_grace(session->rotated_at[i], now))
			kept = i + 1;
	}
	memmove(&session->rotated_at[1], &session->rotated_at[0], kept * sizeof(TimestampTz));
	session->rotated_at[0] = session->last_used_at;
	session->rotations = is_within_grace(session->last_used_at, now) ? kept + 1 : 0;

	if (session->rotations == 0 || session->parent == 0 || parent >= SESSION_ROTATIONS)
		return;
	while (session->rotations <= (int) parent)
		session->rotated_at[session->rotations++] = session->created_at;
	session->rotated_at[parent] = session->last_used_at;
}

static Datum
rotations_datum(const Session *session)
{
	Datum times[SESSION_ROTATIONS];

	for (int i = 0; i < session->rotations; i++)
		times[i] = TimestampTzGetDatum(session->rotated_at[i]);
	return PointerGetDatum(construct_array(times, session->rotations, TIMESTAMPTZOID,
										   sizeof(TimestampTz), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/*
 * The generations between the current one and a later parent are unknown, so
 * their times are not kept.
 */
static Session
next_generation(const Session *session, uint32 parent)
{
	Session next = *session;
	TimestampTz now = GetCurrentTimestamp();

	if (parent <= session->generation)
		remember_rotation(&next, now);
	else
		next.rotations = 0;
	next.generation = Max(session->generation, parent) + 1;
	next.parent = parent;
	next.last_used_at = now;
	next.expires_at = expiry(session->created_at, now);
	return next;
}

/*
 * The condition on the generation makes only one of two concurrent uses of a
 * token succeed: the other waits for the row, finds it changed, and updates
 * nothing.  Those on the assurance keep a token from having more of it than the
 * session has by then.
 */
bool
sessions_rotate(Session *session, uint32 parent)
{
	static SpiQuery query = {
		"UPDATE authfort.sessions SET generation = $3, parent = $4, rotated_at = $5,"
		" last_used_at = $6, expires_at = $7"
		" WHERE id OPERATOR(pg_catalog.=) $1 AND generation OPERATOR(pg_catalog.=) $2"
		" AND revoked_at IS NULL AND aal OPERATOR(pg_catalog.=) $8"
		" AND auth_time OPERATOR(pg_catalog.=) $9",
		9,
		{UUIDOID, INT4OID, INT4OID, INT4OID, TIMESTAMPTZARRAYOID, TIMESTAMPTZOID, TIMESTAMPTZOID,
		 INT2OID, TIMESTAMPTZOID},
	};
	Session next = next_generation(session, parent);
	Datum values[9];
	bool rotated;

	values[0] = UUIDPGetDatum(&session->id);
	values[1] = Int32GetDatum(session->generation);
	values[2] = Int32GetDatum(next.generation);
	values[3] = Int32GetDatum(next.parent);
	values[4] = (next.rotations > 0) ? rotations_datum(&next) : (Datum) 0;
	values[5] = TimestampTzGetDatum(next.last_used_at);
	values[6] = TimestampTzGetDatum(next.expires_at);
	values[7] = Int16GetDatum(session->aal);
	values[8] = TimestampTzGetDatum(session->auth_time);
	rotated = spi_query_run_alone(&query, values, (next.rotations > 0) ? NULL : "    n    ",
								  SPI_OK_UPDATE) > 0;
	if (rotated)
		*session = next;
	return rotated;
}

bool
session_is_unchanged(const Session *session)
{
	Session now;

	return sessions_find(&session->id, &now) && !now.revoked &&
		   now.generation == session->generation && now.aal == session->aal &&
		   now.auth_time == session->auth_time;
}

bool
sessions_rotate_current(const pg_uuid_t *id, const pg_uuid_t *user_id, Session *session)
{
	do
	{
		if (!sessions_find_live(id, user_id, session))
			return false;
	} while (!sessions_rotate(session, session->generation));
	return true;
}

bool
sessions_revoke(const pg_uuid_t *id)
{
	static SpiQuery query = {
		"UPDATE authfort.sessions SET revoked_at = $2"
		" WHERE id OPERATOR(pg_catalog.=) $1 AND revoked_at IS NULL",
		2,
		{UUIDOID, TIMESTAMPTZOID},
	};
	Datum values[2] = {UUIDPGetDatum(id), TimestampTzGetDatum(GetCurrentTimestamp())};

	return spi_query_run_alone(&query, values, NULL, SPI_OK_UPDATE) > 0;
}

int
sessions_revoke_all(const pg_uuid_t *user_id, const pg_uuid_t *exclude)
{
	static SpiQuery query = {
		"UPDATE authfort.sessions SET revoked_at = $3"
		" WHERE user_id OPERATOR(pg_catalog.=) $1 AND revoked_at IS NULL"
		" AND ($2 IS NULL OR id OPERATOR(pg_catalog.<>) $2)",
		3,
		{UUIDOID, UUIDOID, TIMESTAMPTZOID},
	};
	Datum values[3] = {UUIDPGetDatum(user_id), UUIDPGetDatum(exclude),
					   TimestampTzGetDatum(GetCurrentTimestamp())};
	const char *nulls = (exclude == NULL) ? " n " : NULL;
	int revoked;

	users_require_lock(user_id);
	revoked = spi_query_run_alone(&query, values, nulls, SPI_OK_UPDATE);
	if (exclude == NULL)
		users_raise_token_version(user_id);
	return revoked;
}

int
sessions_revoke_everyone(void)
{
	static SpiQuery query = {
		"UPDATE authfort.sessions SET revoked_at = $1 WHERE revoked_at IS NULL",
		1,
		{TIMESTAMPTZOID},
	};
	Datum now = TimestampTzGetDatum(GetCurrentTimestamp());

	return spi_query_run_alone(&query, &now, NULL, SPI_OK_UPDATE);
}

/* An IPv6 address stands for its /64. */
#define AT_ADDRESS \
	"ip_address OPERATOR(pg_catalog.<<=) pg_catalog.network(pg_catalog.set_masklen($2," \
	" CASE pg_catalog.family($2) WHEN 6 THEN 64 ELSE 32 END))"

bool
sessions_know_address(const pg_uuid_t *user_id, Datum address)
{
	static SpiQuery query = {
		"SELECT FROM authfort.sessions WHERE user_id OPERATOR(pg_catalog.=) $1"
		" AND " AT_ADDRESS " LIMIT 1",
		2,
		{UUIDOID, INETOID},
	};
	Datum values[2] = {UUIDPGetDatum(user_id), address};

	return spi_query_run_alone(&query, values, NULL, SPI_OK_SELECT) > 0;
}

bool
sessions_know_client(const pg_uuid_t *user_id, const Client *client)
{
	static SpiQuery query = {
		"SELECT FROM authfort.sessions WHERE user_id OPERATOR(pg_catalog.=) $1"
		" AND (user_agent OPERATOR(pg_catalog.=) $3 OR (user_agent IS NULL AND $3 IS NULL))"
		" AND CASE WHEN $2 IS NULL THEN ip_address IS NULL ELSE " AT_ADDRESS " END LIMIT 1",
		3,
		{UUIDOID, INETOID, TEXTOID},
	};
	char *user_agent = input_user_agent(client->user_agent);
	Datum values[3] = {UUIDPGetDatum(user_id), client->ip,
					   (user_agent != NULL) ? CStringGetTextDatum(user_agent) : (Datum) 0};
	char nulls[3] = {' ', client->has_ip ? ' ' : 'n', (user_agent != NULL) ? ' ' : 'n'};

	return spi_query_run_alone(&query, values, nulls, SPI_OK_SELECT) > 0;
}

void
sessions_delete_all(const pg_uuid_t *user_id)
{
	static UserRows rows = {"authfort.sessions"};

	user_rows_delete(&rows, user_id);
}

/* Live sessions, of a user $1 at the time $2. */
#define LIVE_SESSIONS_OF_USER \
	" FROM authfort.sessions WHERE user_id OPERATOR(pg_catalog.=) $1 AND revoked_at IS NULL" \
	" AND expires_at OPERATOR(pg_catalog.>) $2"

static int64
count_live_sessions(const pg_uuid_t *user_id, TimestampTz now)
{
	static SpiQuery query = {
		"SELECT pg_catalog.count(*)" LIVE_SESSIONS_OF_USER,
		2,
		{UUIDOID, TIMESTAMPTZOID},
	};
	Datum values[2] = {UUIDPGetDatum(user_id), TimestampTzGetDatum(now)};

	return spi_query_run_for_number(&query, values, NULL);
}

/* Appends the session of the row as a JSON object. */
static void
append_session_of_row(StringInfo out, const pg_uuid_t *current)
{
	pg_uuid_t id;

	spi_query_uuid(1, &id);
	json_open(out);
	json_write_uuid(out, "id", &id);
	json_write_string(out, "user_agent", spi_query_text(CurrentMemoryContext, 2));
	json_write_string(out, "ip_address", spi_query_text(CurrentMemoryContext, 3));
	json_write_time(out, "created_at", spi_query_time(4));
	json_write_time(out, "last_used_at", spi_query_time(5));
	json_write_time(out, "expires_at", spi_query_time(6));
	json_write_bool(out, "current", current != NULL && uuid_equal(&id, current));
	json_close(out);
}

int64
sessions_append_json(StringInfo out, const pg_uuid_t *user_id, const pg_uuid_t *current, int limit,
					 int offset)
{
	static SpiQuery query = {
		"SELECT id, user_agent, pg_catalog.host(ip_address), created_at, " SHOWN_USE
		", " SHOWN_END LIVE_SESSIONS_OF_USER " ORDER BY created_at DESC, id LIMIT $3 OFFSET $4",
		4,
		{UUIDOID, TIMESTAMPTZOID, INT4OID, INT4OID},
	};
	TimestampTz now = GetCurrentTimestamp();
	Datum values[4] = {UUIDPGetDatum(user_id), TimestampTzGetDatum(now), Int32GetDatum(limit),
					   Int32GetDatum(offset)};
	uint64 count;

	spi_query_open();
	count = spi_query_run(&query, values, NULL, SPI_OK_SELECT);
	appendStringInfoChar(out, '[');
	for (uint64 row = 0; row < count; row++)
	{
		json_next_element(out);
		spi_query_use_row(row);
		append_session_of_row(out, current);
	}
	appendStringInfoChar(out, ']');
	spi_query_close();
	return count_live_sessions(user_id, now);
}

static Datum
get_sessions(PG_FUNCTION_ARGS)
{
	static SpiQuery query = {
		"SELECT id, user_agent, ip_address, created_at,"
		" " SHOWN_USE ", " SHOWN_END ","
		" revoked_at IS NOT NULL FROM authfort.sessions"
		" WHERE user_id OPERATOR(pg_catalog.=) $1"
		" AND (NOT $2 OR (revoked_at IS NULL AND expires_at OPERATOR(pg_catalog.>) $3))"
		" ORDER BY created_at DESC, id",
		3,
		{UUIDOID, BOOLOID, TIMESTAMPTZOID},
	};
	pg_uuid_t *user_id = argument_uuid(fcinfo, 0, "user_id");
	bool active_only = argument_bool(fcinfo, 1, "active_only");
	Datum parameters[3] = {UUIDPGetDatum(user_id), BoolGetDatum(active_only),
						   TimestampTzGetDatum(GetCurrentTimestamp())};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	uint64 count;

	users_require(user_id);
	InitMaterializedSRF(fcinfo, 0);
	spi_query_open();
	count = spi_query_run(&query, parameters, NULL, SPI_OK_SELECT);
	for (uint64 row = 0; row < count; row++)
		tuplestore_puttuple(result->setResult, SPI_tuptable->vals[row]);
	spi_query_close();
	return (Datum) 0;
}

/*
 * get_sessions(user_id, active_only) -> TABLE (id, user_agent, ip_address,
 *		created_at, last_used_at, expires_at, revoked)
 */
Datum
authfort_get_sessions(PG_FUNCTION_ARGS)
{
	return spi_query_run_stable(get_sessions, fcinfo);
}
