/*
 * unicode.h
 *		Letters, whatever the locale of the database.
 */
#ifndef AUTHFORT_UNICODE_H
#define AUTHFORT_UNICODE_H

/*
 * A copy in lower case by Unicode's own rules: an email has to compare the
 * same, and an index to hold the same, after a dump is restored elsewhere.
 */
extern char *unicode_lower(const char *text);

#endif							/* AUTHFORT_UNICODE_H */
