/*
 * mail_header.h
 *		Headers of mails (RFC 5322, RFC 2047).
 */
#ifndef COURIER_MAIL_HEADER_H
#define COURIER_MAIL_HEADER_H

#include <stdbool.h>
#include <time.h>

#include "text.h"

/*
 * Each appends one header, folded where needed, without its last line end.
 * No value can leave its header.  False if out of memory.
 */
extern bool mail_header_text(Text *out, const char *name, const char *value);
extern bool
mail_header_address(Text *out, const char *name, const char *display, const char *address);
extern bool mail_header_date(Text *out, time_t now);
extern bool mail_header_message_id(Text *out, const char *id, const char *sender);

/* Whether the address can stand in an envelope and in a header as it is. */
extern bool mail_header_is_address(const char *address);

/* Divides "NAME <ADDRESS>" or "ADDRESS"; both are malloc'd.  False if it is neither. */
extern bool mail_header_parse_sender(const char *text, char **name, char **address);

#endif /* COURIER_MAIL_HEADER_H */
