/*
 * malloc_memory.h
 *		What our code allocates comes from malloc(), where AddressSanitizer sees
 *		each piece; the server's own functions keep its memory contexts.
 *
 * Included before every source of a module that is fuzzed in the server.
 */
#ifndef FUZZ_MALLOC_MEMORY_H
#define FUZZ_MALLOC_MEMORY_H

#include "postgres.h"

extern void *fuzz_alloc(size_t size);
extern char *fuzz_strndup(const char *text, size_t len);
extern char *fuzz_printf(const char *format, ...);

#define palloc(size) fuzz_alloc(size)
#define palloc0(size) memset(fuzz_alloc(size), 0, size)
#define pstrdup(text) fuzz_strndup(text, strlen(text))
#define pnstrdup(text, len) fuzz_strndup(text, strnlen(text, len))
#define psprintf fuzz_printf

#endif /* FUZZ_MALLOC_MEMORY_H */
