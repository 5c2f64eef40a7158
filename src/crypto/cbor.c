/*
 * cbor.c
 *		Reading CBOR (RFC 8949) as WebAuthn uses it.  Builds without a server.
 */
#include <cbor.h>
#include <string.h>

#include "crypto/cbor.h"

#define MAX_DEPTH 8  /* attestations nest five levels deep */
#define MAX_PAIRS 64 /* keys are compared with each other */

/* The head of an item, as libcbor reports it. */
typedef struct Head
{
	bool known; /* a kind of item that is accepted */
	CborKind kind;
	uint64_t number;
	const unsigned char *content;
} Head;

static void
set_head(void *head, CborKind kind, uint64_t number)
{
	((Head *) head)->known = true;
	((Head *) head)->kind = kind;
	((Head *) head)->number = number;
}

static void
head_uint8(void *head, uint8_t number)
{
	set_head(head, CBOR_UNSIGNED, number);
}

static void
head_uint16(void *head, uint16_t number)
{
	set_head(head, CBOR_UNSIGNED, number);
}

static void
head_uint32(void *head, uint32_t number)
{
	set_head(head, CBOR_UNSIGNED, number);
}

static void
head_uint64(void *head, uint64_t number)
{
	set_head(head, CBOR_UNSIGNED, number);
}

static void
head_negative8(void *head, uint8_t number)
{
	set_head(head, CBOR_NEGATIVE, number);
}

static void
head_negative16(void *head, uint16_t number)
{
	set_head(head, CBOR_NEGATIVE, number);
}

static void
head_negative32(void *head, uint32_t number)
{
	set_head(head, CBOR_NEGATIVE, number);
}

static void
head_negative64(void *head, uint64_t number)
{
	set_head(head, CBOR_NEGATIVE, number);
}

static void
head_bytes(void *head, cbor_data content, size_t len)
{
	set_head(head, CBOR_BYTES, len);
	((Head *) head)->content = content;
}

static void
head_text(void *head, cbor_data content, size_t len)
{
	set_head(head, CBOR_TEXT, len);
	((Head *) head)->content = content;
}

static void
head_array(void *head, size_t count)
{
	set_head(head, CBOR_ARRAY, count);
}

static void
head_map(void *head, size_t count)
{
	set_head(head, CBOR_MAP, count);
}

static void
head_float(void *head, float number)
{
	(void) number;
	set_head(head, CBOR_SIMPLE, 0);
}

static void
head_double(void *head, double number)
{
	(void) number;
	set_head(head, CBOR_SIMPLE, 0);
}

static void
head_boolean(void *head, bool value)
{
	(void) value;
	set_head(head, CBOR_SIMPLE, 0);
}

static void
head_null(void *head)
{
	set_head(head, CBOR_SIMPLE, 0);
}

/* Tags and indefinite lengths are left to callbacks that do nothing: the head stays unknown. */
static bool
read_head(const unsigned char *data, size_t len, CborItem *item)
{
	struct cbor_callbacks callbacks = cbor_empty_callbacks;
	struct cbor_decoder_result result;
	Head head = {false};

	callbacks.uint8 = head_uint8;
	callbacks.uint16 = head_uint16;
	callbacks.uint32 = head_uint32;
	callbacks.uint64 = head_uint64;
	callbacks.negint8 = head_negative8;
	callbacks.negint16 = head_negative16;
	callbacks.negint32 = head_negative32;
	callbacks.negint64 = head_negative64;
	callbacks.byte_string = head_bytes;
	callbacks.string = head_text;
	callbacks.array_start = head_array;
	callbacks.map_start = head_map;
	callbacks.float2 = head_float;
	callbacks.float4 = head_float;
	callbacks.float8 = head_double;
	callbacks.boolean = head_boolean;
	callbacks.null = head_null;
	callbacks.undefined = head_null;

	result = cbor_stream_decode(data, len, &callbacks, &head);
	if (result.status != CBOR_DECODER_FINISHED || !head.known || result.read > len)
		return false;
	item->kind = head.kind;
	item->number = head.number;
	item->start = data;
	item->size = result.read;
	item->content = (head.content != NULL) ? head.content : data + result.read;
	return true;
}

static bool
is_same_key(const CborItem *a, const CborItem *b)
{
	return a->kind == b->kind && a->number == b->number &&
		   (a->kind != CBOR_TEXT || memcmp(a->content, b->content, a->number) == 0);
}

static bool
is_new_key(const CborItem *key, const CborItem *keys, size_t count)
{
	if (key->kind != CBOR_UNSIGNED && key->kind != CBOR_NEGATIVE && key->kind != CBOR_TEXT)
		return false;
	for (size_t i = 0; i < count; i++)
	{
		if (is_same_key(key, &keys[i]))
			return false;
	}
	return true;
}

static bool read_nested(const unsigned char *data, size_t len, int depth, CborItem *item);

/* Reads one of the items in "outer", whose size grows by it. */
static bool
read_next(const unsigned char *data, size_t len, int depth, CborItem *outer, CborItem *item)
{
	if (!read_nested(data + outer->size, len - outer->size, depth + 1, item))
		return false;
	outer->size += item->size;
	return true;
}

static bool
read_elements(const unsigned char *data, size_t len, int depth, CborItem *array)
{
	CborItem element;

	/* each element takes a byte at least, so the loop ends with the data */
	for (uint64_t i = 0; i < array->number; i++)
	{
		if (!read_next(data, len, depth, array, &element))
			return false;
	}
	return true;
}

static bool
read_pairs(const unsigned char *data, size_t len, int depth, CborItem *map)
{
	CborItem keys[MAX_PAIRS];
	CborItem value;

	if (map->number > MAX_PAIRS)
		return false;
	for (size_t i = 0; i < map->number; i++)
	{
		if (!read_next(data, len, depth, map, &keys[i]) || !is_new_key(&keys[i], keys, i) ||
			!read_next(data, len, depth, map, &value))
			return false;
	}
	return true;
}

/* The recursion is limited by MAX_DEPTH. */
static bool
read_nested(const unsigned char *data, size_t len, int depth, CborItem *item)
{
	if (depth > MAX_DEPTH || !read_head(data, len, item))
		return false;
	if (item->kind == CBOR_ARRAY)
		return read_elements(data, len, depth, item);
	if (item->kind == CBOR_MAP)
		return read_pairs(data, len, depth, item);
	return true;
}

bool
cbor_read(const unsigned char *data, size_t len, CborItem *item)
{
	return read_nested(data, len, 0, item);
}

bool
cbor_read_whole(const unsigned char *data, size_t len, CborItem *item)
{
	return cbor_read(data, len, item) && item->size == len;
}

/* Keys and values were read before, so reading them again succeeds. */
static bool
find_key(const CborItem *map, const CborItem *wanted, CborItem *value)
{
	const unsigned char *next = map->content;
	const unsigned char *end = map->start + map->size;
	CborItem key;

	if (map->kind != CBOR_MAP)
		return false;
	for (uint64_t i = 0; i < map->number; i++)
	{
		if (!cbor_read(next, end - next, &key) ||
			!cbor_read(next + key.size, end - next - key.size, value))
			return false;
		if (is_same_key(&key, wanted))
			return true;
		next += key.size + value->size;
	}
	return false;
}

bool
cbor_find_text(const CborItem *map, const char *key, CborItem *value)
{
	CborItem wanted = {CBOR_TEXT, strlen(key), NULL, 0, (const unsigned char *) key};

	return find_key(map, &wanted, value);
}

static CborItem
integer_item(int number)
{
	CborItem item = {0};

	item.kind = (number < 0) ? CBOR_NEGATIVE : CBOR_UNSIGNED;
	item.number = (number < 0) ? -1 - number : number;
	return item;
}

bool
cbor_find_integer(const CborItem *map, int key, CborItem *value)
{
	CborItem wanted = integer_item(key);

	return find_key(map, &wanted, value);
}

bool
cbor_is_integer(const CborItem *item, int number)
{
	CborItem wanted = integer_item(number);

	return is_same_key(item, &wanted);
}
