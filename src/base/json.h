/*
 * json.h
 *		Reading JSON that strangers sent, and writing our own.
 */
#ifndef AUTHFORT_JSON_H
#define AUTHFORT_JSON_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

/* Result of reading a text as JSON. */
typedef enum JsonReading
{
	JSON_READ,
	JSON_MALFORMED, /* not JSON, too deep, or a member twice */
	JSON_NOT_OBJECT
} JsonReading;

/* Reading; nothing here raises for what the text holds. */
extern JsonReading json_read_object(const char *text, size_t len, Jsonb **object);

/* The same for what another program wrote, where numbers may have a small exponent. */
extern JsonReading json_read_foreign_object(const char *text, size_t len, Jsonb **object);

/* The same as the first, leaving no other copy of what the text holds, and wiping *object. */
extern JsonReading json_read_secret_object(const char *text, size_t len, Jsonb **object);

extern JsonbValue *json_member(Jsonb *object, const char *name);
extern char *json_member_string(Jsonb *object, const char *name);
extern bool json_member_is(Jsonb *object, const char *name, const char *text);
extern bool json_member_is_true(Jsonb *object, const char *name);
/* A copy of an object or array in the current memory context; NULL unless it is one. */
extern Jsonb *json_member_jsonb(Jsonb *object, const char *name);
/* NULL unless it is an array. */
extern JsonbContainer *json_member_array(Jsonb *object, const char *name);
/* Whether it is an array that has that string. */
extern bool json_member_lists(Jsonb *object, const char *name, const char *text);
extern bool json_member_uuid(Jsonb *object, const char *name, pg_uuid_t *uuid);
extern bool json_member_integer(Jsonb *object, const char *name, int64 *number);
/* An array of strings; false for anything else. */
extern bool json_member_strings(Jsonb *object, const char *name, char ***strings, int *count);
extern bool json_member_rounded(Jsonb *object, const char *name, bool up, int64 *number);

/* Before each element of an array that is open: puts the comma between two. */
extern void json_next_element(StringInfo out);

/* Writing members into an object that is open; each puts its own comma. */
extern void json_open(StringInfo out);
extern void json_close(StringInfo out);
extern void json_name(StringInfo out, const char *name);
extern void json_write_string(StringInfo out, const char *name, const char *value);
/* These two write no member for NULL. */
extern void json_write_string_unless_null(StringInfo out, const char *name, const char *value);
extern void json_write_jsonb_unless_null(StringInfo out, const char *name, Jsonb *value);
extern void json_write_integer(StringInfo out, const char *name, int64 value);
extern void json_write_bool(StringInfo out, const char *name, bool value);
extern void json_write_uuid(StringInfo out, const char *name, const pg_uuid_t *value);
extern void json_write_time(StringInfo out, const char *name, TimestampTz value);
extern void json_write_strings(StringInfo out, const char *name, char *const *values, int count);
/* Members that are JSON text already. */
extern void json_write_members(StringInfo out, const char *members);
extern Jsonb *json_to_jsonb(StringInfo json);

#endif /* AUTHFORT_JSON_H */
