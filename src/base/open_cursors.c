/*
 * open_cursors.c
 *		Keeps the cursors of the caller apart from code of others.
 *
 * A cursor is open to all code that runs in its transaction, by its name.  It
 * reads with the rights of the role that opened it, but calls functions with
 * those of the role that fetches.  So code of another role could read the rows
 * of the caller's cursor, or close it and open one of its own under the name,
 * and the next FETCH would run that with the caller's rights.  A driver that
 * fetches in portions does so by portals, which are the same.
 */
#include "postgres.h"

#include "utils/portal.h"

#include "base/open_cursors.h"
#include "base/spi_query.h"

typedef struct ShieldedPortal
{
	Portal portal;
	PortalStatus status;
	bool visible;
} ShieldedPortal;

struct OpenCursors
{
	int count;
	ShieldedPortal portals[FLEXIBLE_ARRAY_MEMBER];
};

/*
 * PostgreSQL has no other way of looking at all portals.  Hidden ones are left
 * out: those that are shielded, and that of a simple query, which is active.
 */
static uint64
list_visible(void)
{
	static SpiQuery query = {"SELECT name FROM pg_catalog.pg_cursor()", 0};

	return spi_query_run(&query, NULL, NULL, SPI_OK_SELECT);
}

static Portal
listed_portal(uint64 row)
{
	spi_query_use_row(row);
	return GetPortalByName(spi_query_text(CurrentMemoryContext, 1));
}

/* The caller continues at the first row of its own statement. */
static void
end_list(void)
{
	spi_query_close();
	spi_query_use_row(0);
}

/* An active portal can be neither run nor dropped. */
static void
shield(OpenCursors *cursors, Portal portal)
{
	if (!PortalIsValid(portal))
		return;
	cursors->portals[cursors->count++] = (ShieldedPortal){
		portal,
		portal->status,
		portal->visible,
	};
	portal->status = PORTAL_ACTIVE;
	portal->visible = false;
}

OpenCursors *
open_cursors_shield(void)
{
	MemoryContext caller = CurrentMemoryContext;
	OpenCursors *cursors;
	uint64 count;
	Portal *portals;

	/* nothing may raise once the first is shielded */
	spi_query_open();
	count = list_visible();
	portals = palloc(Max(count, 1) * sizeof(Portal));
	for (uint64 row = 0; row < count; row++)
		portals[row] = listed_portal(row);
	cursors =
		MemoryContextAlloc(caller, offsetof(OpenCursors, portals) + count * sizeof(ShieldedPortal));
	cursors->count = 0;
	for (uint64 row = 0; row < count; row++)
		shield(cursors, portals[row]);
	end_list();
	return cursors;
}

void
open_cursors_close_new(void)
{
	uint64 count;

	spi_query_open();
	count = list_visible();
	for (uint64 row = 0; row < count; row++)
	{
		Portal portal = listed_portal(row);

		if (PortalIsValid(portal))
			PortalDrop(portal, false);
	}
	end_list();
}

void
open_cursors_release(OpenCursors *cursors)
{
	for (int i = 0; i < cursors->count; i++)
	{
		ShieldedPortal *shielded = &cursors->portals[i];

		shielded->portal->status = shielded->status;
		shielded->portal->visible = shielded->visible;
	}
}
