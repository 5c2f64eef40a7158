/*
 * values.h
 *		The values that a message has for the places of its template.
 */
#ifndef COURIER_VALUES_H
#define COURIER_VALUES_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

typedef struct Value
{
	Text name;
	Text text;
} Value;

typedef struct Values
{
	Value *list;
	size_t count;
} Values;

/* The value is made one line of characters that can be shown.  False if out of memory. */
extern bool values_add(Values *values, const char *name, const char *text);

/* "" for an unknown value. */
extern const char *values_find(const Values *values, const char *name, size_t name_len);
extern const char *values_get(const Values *values, const char *name);

/* Replaces the values that may be secrets by their names in brackets. */
extern bool values_mask(Values *values);

extern void values_free(Values *values);

#endif /* COURIER_VALUES_H */
