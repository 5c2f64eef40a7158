/*
 * cbor.h
 *		Reading CBOR (RFC 8949) as WebAuthn uses it.  Builds without a server.
 *
 * Heads of items are read by libcbor's streaming decoder, which allocates
 * nothing.  Nesting, sizes and duplicate keys are checked here.  Everything
 * points into the bytes that were read.
 */
#ifndef AUTHFORT_CBOR_H
#define AUTHFORT_CBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum CborKind
{
	CBOR_UNSIGNED,
	CBOR_NEGATIVE,
	CBOR_BYTES,
	CBOR_TEXT,
	CBOR_ARRAY,
	CBOR_MAP,
	CBOR_SIMPLE /* true, false, null and numbers with a fraction */
} CborKind;

typedef struct CborItem
{
	CborKind kind;
	/*
	 * The value of an unsigned number, and -1 minus that of a negative one; the
	 * bytes of a string; the elements of an array, or pairs of a map.
	 */
	uint64_t number;
	const unsigned char *start;
	size_t size;                  /* from the start to the end of the content */
	const unsigned char *content; /* what follows the head */
} CborItem;

/*
 * Reads the item at the beginning of "data"; bytes may follow it.  False if it
 * is cut off or malformed, nests deeper than 8 levels, or has a tag, an item
 * of indefinite length, or a map with more than 64 pairs, with a key that is
 * neither an integer nor a text, or with a key twice.
 */
extern bool cbor_read(const unsigned char *data, size_t len, CborItem *item);

/* The same, if nothing follows the item. */
extern bool cbor_read_whole(const unsigned char *data, size_t len, CborItem *item);

/*
 * The value of a key in an item that cbor_read() has accepted; false if it is
 * not a map or lacks the key.
 */
extern bool cbor_find_text(const CborItem *map, const char *key, CborItem *value);
extern bool cbor_find_integer(const CborItem *map, int key, CborItem *value);

extern bool cbor_is_integer(const CborItem *item, int number);

#endif /* AUTHFORT_CBOR_H */
