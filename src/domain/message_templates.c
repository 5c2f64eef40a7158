/*
 * message_templates.c
 *		Texts of messages: table authfort.message_templates.
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "domain/input.h"
#include "domain/message_template_syntax.h"

PG_FUNCTION_INFO_V1(authfort_check_message_template);

#define MAX_SUBJECT 500       /* bytes */
#define MAX_BODY (256 * 1024) /* bytes; mail servers refuse large messages */

typedef struct KindOfMessage
{
	const char *kind;
	const char *names; /* of values beside common_names, separated by spaces */
} KindOfMessage;

/* The courier adds "app" and "expires_in"; the others are members of each message. */
static const char common_names[] = "app email expires_at expires_in locale name";

/* Messages of other kinds are the application's, and their names are not known. */
static const KindOfMessage kinds[] = {
	{"email_verification", "link token"},
	{"magic_link", "link token"},
	{"email_otp", "code"},
	{"reauthentication", "code"},
	{"password_reset", "link token"},
	{"email_change", "link token new_email"},
	{"invitation", "link token"},
	{"signup_attempt", ""},
	{"password_changed", "time ip_address user_agent"},
	{"email_changed", "link token time ip_address user_agent"},
	{"new_sign_in", "time ip_address user_agent"},
	{"mfa_changed", "time ip_address user_agent change"},
	{"mfa_locked", "time ip_address user_agent"},
	{"passkey_added", "passkey time ip_address user_agent"},
	{"identity_linked", "provider time ip_address user_agent"},
};

typedef struct CheckedTemplate
{
	const char *kind;
	const char *column;
	const char *names; /* NULL: all */
} CheckedTemplate;

static const char *
names_of_kind(const char *kind)
{
	for (size_t i = 0; i < lengthof(kinds); i++)
	{
		if (strcmp(kinds[i].kind, kind) == 0)
			return kinds[i].names;
	}
	return NULL;
}

static bool
has_word(const char *list, const char *word, size_t len)
{
	while (*list != '\0')
	{
		size_t next = strcspn(list, " ");

		if (next == len && memcmp(list, word, len) == 0)
			return true;
		list += next + (list[next] == ' ');
	}
	return false;
}

static bool
is_known_name(const char *name, size_t len, const void *arg)
{
	const CheckedTemplate *checked = arg;

	return checked->names == NULL || has_word(common_names, name, len) ||
		   has_word(checked->names, name, len);
}

static void
refuse(const CheckedTemplate *checked, const char *detail)
{
	ereport(ERROR,
	        (errcode(ERRCODE_CHECK_VIOLATION),
	         errmsg("invalid %s in template of message \"%s\"", checked->column, checked->kind),
	         errdetail("%s", detail)));
}

static void
refuse_problem(const CheckedTemplate *checked, const TemplateProblem *problem)
{
	ereport(ERROR,
	        (errcode(ERRCODE_CHECK_VIOLATION),
	         errmsg("invalid %s in template of message \"%s\": %s", checked->column, checked->kind,
	                problem->description),
	         errdetail("The problem is at \"%s\".",
	                   pnstrdup(problem->start, pg_mbcliplen(problem->start, problem->len, 63))),
	         (checked->names == NULL)
	             ? 0
	             : errhint("The values of this message are %s %s.", common_names, checked->names)));
}

static void
check_template(CheckedTemplate *checked, const char *column, const char *template, size_t max)
{
	TemplateProblem problem;

	checked->column = column;
	if (strlen(template) > max)
		refuse(checked, psprintf("It is longer than %zu bytes.", max));
	if (template[strspn(template, " \t\r\n")] == '\0')
		refuse(checked, "It is empty.");
	if (!template_check(template, is_known_name, checked, &problem))
		refuse_problem(checked, &problem);
}

/* NULL for NULL. */
static char *
new_value(const TriggerData *trigger, const char *column)
{
	TupleDesc columns = RelationGetDescr(trigger->tg_relation);
	HeapTuple row =
		TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;

	return SPI_getvalue(row, columns, SPI_fnumber(columns, column));
}

static void
check_row(const TriggerData *trigger)
{
	char *kind = new_value(trigger, "kind");
	char *locale = new_value(trigger, "locale");
	char *subject = new_value(trigger, "subject");
	char *text = new_value(trigger, "text");
	char *html = new_value(trigger, "html");
	CheckedTemplate checked = {.kind = kind};

	/* the table refuses NULL in these */
	if (kind == NULL || locale == NULL || subject == NULL || text == NULL)
		return;
	checked.names = names_of_kind(kind);
	check_template(&checked, "subject", subject, MAX_SUBJECT);
	if (strpbrk(subject, "\r\n") != NULL)
		refuse(&checked, "It has more than one line.");
	check_template(&checked, "text", text, MAX_BODY);
	if (html != NULL)
		check_template(&checked, "html", html, MAX_BODY);
	if (locale[0] != '\0' && !input_is_language_tag(locale))
		ereport(
			ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
		     errmsg("invalid locale \"%s\" of a message template", locale),
		     errhint("Valid values are language tags such as de or pt-BR, and the empty text.")));
}

/* check_message_template() -> trigger, before INSERT or UPDATE, for each row */
Datum
authfort_check_message_template(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		ereport(ERROR,
		        (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
		         errmsg("function \"%s\" must be called as a trigger before INSERT or UPDATE",
		                "check_message_template")));
	check_row(trigger);
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple
																	  : trigger->tg_trigtuple);
}
