/*
 * dry_run.h
 *		Shows the messages that are due, without sending them.
 */
#ifndef COURIER_DRY_RUN_H
#define COURIER_DRY_RUN_H

#include "database.h"
#include "options.h"
#include "transport.h"

/* Returns the exit status. */
extern int dry_run(const Options *options, const Transport *transports, int count);

#endif /* COURIER_DRY_RUN_H */
