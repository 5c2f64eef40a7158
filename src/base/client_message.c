/*
 * client_message.c
 *		Whether the client message being processed is sensitive ("ours"), so
 *		that the log shows nothing of it.
 *
 * A message ends where its memory does: PostgreSQL resets MessageContext
 * before it reads the next one.  Background workers have no such context;
 * there, a statement ends with its transaction.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"

#include "base/client_message.h"

void (*client_message_marked)(void) = NULL;

static ClientMessageKind present_kind = CLIENT_MESSAGE_UNJUDGED;
static const char *judged_text = NULL; /* compared with, never read */
static MemoryContextCallback on_end;
static bool awaits_end = false;

static void
forget_message(void *arg)
{
	present_kind = CLIENT_MESSAGE_UNJUDGED;
	awaits_end = false;
}

ClientMessageKind
client_message_kind(void)
{
	/* a worker may run another statement in the same transaction */
	if (present_kind == CLIENT_MESSAGE_FOREIGN && debug_query_string != NULL &&
		debug_query_string != judged_text)
		return CLIENT_MESSAGE_UNJUDGED;
	return present_kind;
}

void
client_message_judge(ClientMessageKind kind)
{
	MemoryContext owner = (MessageContext != NULL) ? MessageContext : TopTransactionContext;

	if (owner == NULL || present_kind == CLIENT_MESSAGE_OURS)
		return;
	if (!awaits_end)
	{
		on_end.func = forget_message;
		MemoryContextRegisterResetCallback(owner, &on_end);
		awaits_end = true;
	}
	present_kind = kind;
	judged_text = debug_query_string;
	if (kind == CLIENT_MESSAGE_OURS && client_message_marked != NULL)
		client_message_marked();
}

void
client_message_mark(void)
{
	client_message_judge(CLIENT_MESSAGE_OURS);

	/*
	 * The leader does not see that a worker was passed a secret.  It learns
	 * that from the name in this message.
	 */
	if (IsParallelWorker() && !InitializingParallelWorker)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_STATE),
				 errmsg("a function of authfort that takes a secret cannot run in a parallel worker"),
				 errhint("Functions that call it must not be PARALLEL SAFE.")));
}
