/*
 * text_domain.h
 *		Marks the records of this library, so that the log knows them
 *		(redact/log_redaction.c).  The Makefile includes it into every source,
 *		because elog.h redefines the text domain of PostgreSQL.
 */
#ifndef AUTHFORT_TEXT_DOMAIN_H
#define AUTHFORT_TEXT_DOMAIN_H

#include "postgres.h"

#undef TEXTDOMAIN
#define TEXTDOMAIN "authfort"

#endif /* AUTHFORT_TEXT_DOMAIN_H */
