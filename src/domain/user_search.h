/*
 * user_search.h
 *		Finding users by a part of their email or name.
 */
#ifndef AUTHFORT_USER_SEARCH_H
#define AUTHFORT_USER_SEARCH_H

#include "postgres.h"

#include "domain/users.h"

typedef struct UserFilter
{
	const char *query;  /* part of email or name; NULL: any */
	const bool *banned; /* NULL: either */
	const char *role;   /* NULL: any */
	bool deleted;       /* whether deleted users are found as well */
} UserFilter;

typedef enum UserOrder
{
	USERS_BY_CREATED_AT,
	USERS_BY_EMAIL,
	USERS_BY_NAME
} UserOrder;

typedef struct UserPage
{
	UserOrder order;
	bool ascending;
	int limit;
	int offset;
} UserPage;

#define USER_PAGE_MAX 1000

/* False if the text is not a valid value of sort_by or sort_order. */
extern bool user_order_by_name(const char *name, UserOrder *order);
extern bool user_direction_by_name(const char *name, bool *ascending);

extern int64 user_search_count(const UserFilter *filter);

/* Users in the current memory context. */
extern User **user_search(const UserFilter *filter, const UserPage *page, int *count);

#endif /* AUTHFORT_USER_SEARCH_H */
