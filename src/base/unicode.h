/*
 * unicode.h
 *		Normal forms, case folding and the kinds of characters.
 *
 * All of it follows libunistring's tables, so that what is equal, and what an
 * index holds, is the same under every C library and locale.  Texts are valid
 * UTF-8, as the server makes sure, and results are in the current memory
 * context.  Time is n log n, whatever the text; callers bound its length.
 */
#ifndef AUTHFORT_UNICODE_H
#define AUTHFORT_UNICODE_H

#include "postgres.h"

/* Normalization Form C. */
extern char *unicode_compose(const char *text);

/* For case-insensitive comparison: full case folding, in NFC. */
extern char *unicode_fold(const char *text);

/*
 * Unicode's toLowercase(), in NFC: what differs in more than its case stays
 * different, as U+00DF and "ss", which full case folding makes equal.
 */
extern char *unicode_lower(const char *text);

/* In place: each space of Unicode (Zs), no-break and ideographic ones too, becomes U+0020. */
extern void unicode_plain_spaces(char *text);

/*
 * Whether every character of a text in NFC can be seen, U+0020 being the only
 * space, and no combining mark stands without a letter or digit before it.
 * Refused are control, format, private and unassigned characters, and those
 * that are drawn blank or not at all.
 */
extern bool unicode_is_visible(const char *text);

/*
 * The same, but accepts invisible characters that change the rendering of
 * their neighbours: joiners as in RFC 5892, joiners inside an emoji, and
 * variation selectors of emoji and ideographs.
 */
extern bool unicode_is_visible_or_joined(const char *text);

/*
 * Whether a text in NFC is in NFKC as well: no character in it stands for
 * another one, as U+FF20 does for "@".
 */
extern bool unicode_is_unambiguous(const char *text);

#endif /* AUTHFORT_UNICODE_H */
