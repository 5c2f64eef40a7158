/*
 * secret_names.h
 *		Whether a text names what secrets are handed to: a plain search.
 */
#ifndef AUTHFORT_SECRET_NAMES_H
#define AUTHFORT_SECRET_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * True if the text holds "authfort", other than in calls of functions that
 * take no secret and behind REFERENCES, or one of the names in a list that is
 * separated by commas, blanks and double quotes.  Letter case of ASCII does
 * not count.  Takes time that is linear in the text's length, and no memory.
 */
extern bool secret_names_in(const char *text, size_t len, const char *names);

#endif							/* AUTHFORT_SECRET_NAMES_H */
