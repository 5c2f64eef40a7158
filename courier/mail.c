/*
 * mail.c
 *		A mail, as libcurl sends it: libcurl makes the MIME, and the headers are ours.
 */
#include <string.h>
#include <time.h>

#include "mail.h"
#include "mail_header.h"
#include "transfer.h"

/* Takes a header that was made, unless that failed. */
static bool
add_header(Mail *mail, Text *header, bool ok)
{
	ok = ok && transfer_add_string(&mail->headers, header->data);
	text_free(header);
	return ok;
}

static bool
add_headers(Mail *mail, const Options *options, const Message *message, const Rendered *rendered)
{
	Text header = {0};

	return add_header(mail, &header, mail_header_date(&header, time(NULL))) &&
		   add_header(mail, &header,
					  mail_header_address(&header, "From", options->from_name, options->from_address)) &&
		   add_header(mail, &header,
					  mail_header_address(&header, "To", "", values_get(&message->values, "email"))) &&
		   add_header(mail, &header, mail_header_text(&header, "Subject", rendered->subject.data)) &&
		   add_header(mail, &header,
					  mail_header_message_id(&header, message->id, options->from_address)) &&
		   /* no answers of absent readers (RFC 3834, section 5) */
		   transfer_add_string(&mail->headers, "Auto-Submitted: auto-generated") &&
		   transfer_add_string(&mail->headers, "X-Auto-Response-Suppress: All");
}

/* Lines of a mail end with CR LF. */
static bool
append_with_line_ends(Text *out, const Text *text)
{
	bool ok = true;

	for (size_t i = 0; ok && i < text->len; i++)
	{
		if (text->data[i] == '\n')
			ok = text_append(out, "\r\n", 2);
		else if (text->data[i] != '\r')
			ok = text_append(out, text->data + i, 1);
	}
	return ok;
}

static bool
add_part(curl_mime *parts, const Text *text, const char *type)
{
	curl_mimepart *part = curl_mime_addpart(parts);
	Text lines = {0};
	bool ok = part != NULL && append_with_line_ends(&lines, text) &&
			  curl_mime_data(part, lines.data, lines.len) == CURLE_OK &&
			  curl_mime_type(part, type) == CURLE_OK &&
			  curl_mime_encoder(part, "quoted-printable") == CURLE_OK;

	text_free(&lines);
	return ok;
}

/* The last alternative is the one that is preferred. */
static bool
add_body(Mail *mail, CURL *easy, const Rendered *rendered)
{
	curl_mime *alternatives = curl_mime_init(easy);

	if (alternatives == NULL || !add_part(alternatives, &rendered->text, "text/plain; charset=utf-8") ||
		!add_part(alternatives, &rendered->html, "text/html; charset=utf-8"))
	{
		curl_mime_free(alternatives);
		return false;
	}
	mail->mime = alternatives;
	return true;
}

static bool
bracket(Text *out, const char *address)
{
	return text_append(out, "<", 1) && text_append_string(out, address) && text_append(out, ">", 1);
}

static bool
add_envelope(Mail *mail, const Options *options, const Message *message)
{
	Text recipient = {0};
	bool ok = bracket(&mail->sender, options->from_address) &&
			  bracket(&recipient, values_get(&message->values, "email")) &&
			  transfer_add_string(&mail->recipients, recipient.data);

	text_free(&recipient);
	return ok;
}

bool
mail_make(Mail *mail, CURL *easy, const Options *options, const Message *message,
		  const Rendered *rendered)
{
	memset(mail, 0, sizeof(*mail));
	return add_headers(mail, options, message, rendered) &&
		   transfer_add_string(&mail->headers, "Content-Type: multipart/alternative") &&
		   add_body(mail, easy, rendered) && add_envelope(mail, options, message);
}

void
mail_free(Mail *mail)
{
	curl_mime_free(mail->mime);
	curl_slist_free_all(mail->headers);
	curl_slist_free_all(mail->recipients);
	text_free(&mail->sender);
}
