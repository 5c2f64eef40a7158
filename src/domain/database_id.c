/*
 * database_id.c
 *		The identity of this database: table authfort.database_identity and its
 *		cache.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/inval.h"
#include "utils/rel.h"

#include "base/spi_query.h"
#include "base/watched_table.h"
#include "domain/database_id.h"

/* The first column; database_id.sql says the same. */
#define COLUMN_ID 1

static WatchedTable identity_table = {"database_identity"};

static pg_uuid_t known_id;
static uint64 known_at = 0; /* changes of the table when it was read; 0: not known */

void
database_id_init(void)
{
	watched_table_register(&identity_table);
}

/*
 * False if there is no id.  A scan under a catalog snapshot sees what has
 * committed by now whatever the isolation level, and works on a standby.
 */
static bool
read_database_id(Oid relid)
{
	Relation relation = table_open(relid, AccessShareLock);
	uint64 changes = identity_table.changes;
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	HeapTuple tuple = systable_getnext(scan);
	bool found = HeapTupleIsValid(tuple);

	if (found)
	{
		bool isnull;
		Datum id = heap_getattr(tuple, COLUMN_ID, RelationGetDescr(relation), &isnull);

		known_id = *DatumGetUUIDP(id);
		known_at = changes;
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return found;
}

static void
insert_id(void)
{
	static SpiQuery query = {"INSERT INTO authfort.database_identity DEFAULT VALUES", 0};

	spi_query_run_alone(&query, NULL, NULL, SPI_OK_INSERT);
}

/* If two backends get here concurrently, both use the id of the first. */
static void
make_id(Oid relid)
{
	PreventCommandIfReadOnly("making the identity of this database");
	LockRelationOid(relid, ShareRowExclusiveLock);
	AcceptInvalidationMessages();
	if (read_database_id(relid))
		return;
	insert_id();
	if (!read_database_id(relid))
		elog(ERROR, "the identity of this database was not stored");
}

pg_uuid_t
database_id(void)
{
	Oid relid = watched_table_oid(&identity_table);

	LockRelationOid(relid, RowShareLock);
	if (known_at != watched_table_changes(&identity_table) && !read_database_id(relid))
		make_id(relid);
	return known_id;
}

void
database_id_lock(void)
{
	LockRelationOid(watched_table_oid(&identity_table), ExclusiveLock);
	AcceptInvalidationMessages();
}

void
database_id_replace(void)
{
	static SpiQuery query = {"DELETE FROM authfort.database_identity", 0};

	spi_query_run_alone(&query, NULL, NULL, SPI_OK_DELETE);
	insert_id();
}
