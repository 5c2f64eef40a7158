/*
 * secret_names.h
 *		Whether a text names functions or settings that take secrets: a plain
 *		search.
 */
#ifndef AUTHFORT_SECRET_NAMES_H
#define AUTHFORT_SECRET_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * True if the text contains "authfort", except in calls of functions that take
 * no secret and after REFERENCES, or contains a name of a list that is
 * separated by commas, blanks and double quotes.  ASCII letter case is
 * ignored.  Takes linear time, and allocates nothing.
 */
extern bool secret_names_in(const char *text, size_t len, const char *names);

#endif /* AUTHFORT_SECRET_NAMES_H */
