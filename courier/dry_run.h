/*
 * dry_run.h
 *		Shows what is due, without sending it.
 */
#ifndef COURIER_DRY_RUN_H
#define COURIER_DRY_RUN_H

#include "database.h"
#include "options.h"
#include "transport.h"

/* Returns the exit status. */
extern int dry_run(const Options *options, const Transport *transports, int count);

#endif /* COURIER_DRY_RUN_H */
