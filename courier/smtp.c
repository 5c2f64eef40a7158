/*
 * smtp.c
 *		Sends mails to a server by SMTP.
 *
 * libcurl speaks the protocol.  Its traffic is watched, because its result does
 * not say which command was refused.  A refusal before RCPT concerns all mails,
 * as with a wrong password: then no message is given up.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "mail.h"
#include "mail_header.h"
#include "smtp.h"
#include "transfer.h"

/* Seconds until it is logged in; some servers let strangers wait. */
#define CONNECT_TIMEOUT 30

/* How far the conversation has come: the last command that was sent. */
typedef enum Step
{
	STEP_CONNECT,
	STEP_EHLO,
	STEP_STARTTLS,
	STEP_AUTH,
	STEP_MAIL,
	STEP_RCPT,
	STEP_DATA,
	STEP_CONTENT /* the mail itself is being sent */
} Step;

static const char *const step_names[] = {"connecting", "EHLO",
										 "STARTTLS",   "AUTH",
										 "MAIL FROM",  "RCPT TO",
										 "DATA",       "the end of the mail"};

typedef struct SmtpClient
{
	Transfer transfer;

	/* of the conversation about one mail */
	Step step;
	int code;        /* of the answer to that step; 0: none */
	char status[16]; /* its enhanced status code (RFC 3463), or "" */
	bool quit;       /* answers are about nothing more */

	/* of the connection */
	bool authenticated;
} SmtpClient;

static void
enter_step(SmtpClient *client, Step step)
{
	client->step = step;
	client->code = 0;
	client->status[0] = '\0';
	client->quit = false;
}

/* Lines that begin with none of these are the rest of an authentication. */
static void
watch_command(SmtpClient *client, const char *line, size_t len)
{
	static const struct
	{
		const char *command;
		Step step;
	} commands[] = {{"EHLO ", STEP_EHLO}, {"HELO ", STEP_EHLO}, {"STARTTLS", STEP_STARTTLS},
					{"AUTH ", STEP_AUTH}, {"MAIL ", STEP_MAIL}, {"RCPT ", STEP_RCPT},
					{"DATA", STEP_DATA}};

	client->quit = client->quit || (len >= 4 && memcmp(line, "QUIT", 4) == 0);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
	{
		size_t command_len = strlen(commands[i].command);

		if (len < command_len || memcmp(line, commands[i].command, command_len) != 0)
			continue;
		if (commands[i].step == STEP_EHLO)
			client->authenticated = false;
		else if (client->step == STEP_AUTH && commands[i].step == STEP_MAIL)
			client->authenticated = true;
		enter_step(client, commands[i].step);
		return;
	}
}

/* The code of "250-2.1.0 Ok", and "2.1.0" if it has that form. */
static void
watch_answer(SmtpClient *client, const char *line, size_t len)
{
	size_t status_len = 0;

	if (client->quit || len < 4 || !isdigit((unsigned char) line[0]) ||
		!isdigit((unsigned char) line[1]) || !isdigit((unsigned char) line[2]))
		return;
	client->code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
	client->status[0] = '\0';
	while (4 + status_len < len && status_len < sizeof(client->status) - 1 &&
		   (isdigit((unsigned char) line[4 + status_len]) || line[4 + status_len] == '.'))
		status_len++;
	if (status_len >= 5 && line[4] == line[0] && line[5] == '.')
	{
		memcpy(client->status, line + 4, status_len);
		client->status[status_len] = '\0';
	}
	if (client->step == STEP_DATA && client->code == 354)
		enter_step(client, STEP_CONTENT);
}

static int
watch(CURL *easy, curl_infotype type, char *data, size_t len, void *arg)
{
	if (type == CURLINFO_HEADER_OUT)
		watch_command(arg, data, len);
	else if (type == CURLINFO_HEADER_IN)
		watch_answer(arg, data, len);
	return 0;
}

static void *
open_smtp(const Options *options)
{
	SmtpClient *client = calloc(1, sizeof(SmtpClient));

	if (client != NULL && !transfer_open(&client->transfer, options))
	{
		free(client);
		return NULL;
	}
	return client;
}

static void
close_smtp(void *arg)
{
	SmtpClient *client = arg;

	transfer_close(&client->transfer);
	free(client);
}

static void
begin_mail(SmtpClient *client, const Mail *mail)
{
	const Options *options = client->transfer.options;
	CURL *easy = client->transfer.easy;

	transfer_begin(&client->transfer, options->smtp_url, "smtp,smtps", CONNECT_TIMEOUT);
	/* a proxy of the environment is for HTTP */
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_USE_SSL,
					 options->smtp_needs_tls ? CURLUSESSL_ALL : CURLUSESSL_NONE);
	if (options->smtp_password != NULL)
	{
		curl_easy_setopt(easy, CURLOPT_USERNAME, options->smtp_user);
		curl_easy_setopt(easy, CURLOPT_PASSWORD, options->smtp_password);
	}
	curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
	curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, watch);
	curl_easy_setopt(easy, CURLOPT_DEBUGDATA, client);
	curl_easy_setopt(easy, CURLOPT_MAIL_FROM, mail->sender.data);
	curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, mail->recipients);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, mail->headers);
	curl_easy_setopt(easy, CURLOPT_MIMEPOST, mail->mime);
	enter_step(client, STEP_CONNECT);
}

/* Whether the last mail went over a connection that was made for another one. */
static bool
is_reused(SmtpClient *client)
{
	long connects = 1;

	curl_easy_getinfo(client->transfer.easy, CURLINFO_NUM_CONNECTS, &connects);
	return connects == 0;
}

/*
 * The server's own words are not used: it may quote the mail.  libcurl's
 * explain what happens before the server has answered.
 */
static void
set_outcome(SmtpClient *client, Outcome *outcome, OutcomeType type, CURLcode result)
{
	const char *step = step_names[client->step];

	if (client->code >= 400)
		outcome_set(outcome, type, "%d%s%s at %s", client->code, client->status[0] ? " " : "",
					client->status, step);
	else if (client->step < STEP_RCPT)
		outcome_set(outcome, type, "%s: %s", step, transfer_problem(&client->transfer, result));
	else
		outcome_set(outcome, type, "no answer at %s: %s", step, curl_easy_strerror(result));
}

/* Without a valid login, servers refuse recipients of other domains. */
static bool
is_about_login(const SmtpClient *client)
{
	return client->code == 530 || client->code == 534 || client->code == 535 || client->code == 538 ||
		   (client->code >= 500 && client->transfer.options->smtp_password != NULL &&
			!client->authenticated);
}

/* The only thing about a mail that is known by then is its size. */
static bool
is_too_large(const SmtpClient *client)
{
	return client->code == 552 || (client->code >= 500 && strcmp(client->status, "5.3.4") == 0);
}

static void
judge_failure(SmtpClient *client, CURLcode result, Outcome *outcome)
{
	OutcomeType type = OUTCOME_DEFERRED;

	if (client->step >= STEP_RCPT)
	{
		if (is_about_login(client))
			type = OUTCOME_UNAVAILABLE;
		else if (client->code >= 500)
			type = OUTCOME_FAILED;
	}
	else if (client->step == STEP_MAIL && is_too_large(client))
		type = OUTCOME_FAILED;
	else if (client->step != STEP_MAIL || !is_reused(client) ||
			 (client->code >= 400 && client->code != 421))
		type = OUTCOME_UNAVAILABLE;
	/* else the server has closed a connection that it had kept long enough */
	set_outcome(client, outcome, type, result);
}

static void
send_rendered(SmtpClient *client, const Message *message, const Rendered *rendered, Outcome *outcome)
{
	Mail mail;
	CURLcode result;

	if (!mail_make(&mail, client->transfer.easy, client->transfer.options, message, rendered))
		outcome_set(outcome, OUTCOME_DEFERRED, "out of memory");
	else
	{
		begin_mail(client, &mail);
		result = transfer_run(&client->transfer);
		if (result == CURLE_OK)
			outcome_set(outcome, OUTCOME_SENT, "%d%s%s", client->code, client->status[0] ? " " : "",
						client->status);
		else
			judge_failure(client, result, outcome);
		outcome->at_server = true;
	}
	mail_free(&mail);
}

static void
send_smtp(void *client, const Message *message, Outcome *outcome)
{
	Rendered rendered;
	Rendering rendering = render_message(message, &rendered);

	if (rendering != RENDERED)
		outcome_set(outcome, OUTCOME_DEFERRED, "%s", render_problem(rendering));
	else if (!mail_header_is_address(values_get(&message->values, "email")))
		outcome_set(outcome, OUTCOME_FAILED, "the address is invalid");
	else
		send_rendered(client, message, &rendered, outcome);
	rendered_free(&rendered);
}

const Sender smtp_sender = {"smtp", open_smtp, send_smtp, close_smtp};
