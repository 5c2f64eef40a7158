/*
 * door.c
 *		The functions that gateways call: a request, and another server's answer
 *		to a fetch.  Each has a twin whose headers are an array of text.
 *
 * They run as their caller, because only members of authfort_fetch are given
 * fetches, and switch to their owner's privileges.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/arguments.h"
#include "base/client_message.h"
#include "base/json.h"
#include "base/security_context.h"
#include "http/fetching.h"
#include "http/router.h"

PG_FUNCTION_INFO_V1(authfort_http);
PG_FUNCTION_INFO_V1(authfort_http_request);
PG_FUNCTION_INFO_V1(authfort_http_resume);
PG_FUNCTION_INFO_V1(authfort_http_resume_request);

/* The columns of the result. */
#define COLUMN_STATUS 0
#define COLUMN_HEADERS 1
#define COLUMN_BODY 2
#define COLUMN_FETCH 3
#define COLUMNS 4

static void
serve_arguments(FunctionCallInfo fcinfo, HttpRequest *request, HttpResponse *response)
{
	SecurityContext caller;

	request->method = argument_text(fcinfo, 0, "method");
	request->path = argument_text(fcinfo, 1, "path");
	request->query = argument_optional_text(fcinfo, 2);
	request->body = argument_optional_secret(fcinfo, 4);
	request->body_is_known = true;
	request->client.has_ip = !PG_ARGISNULL(5);
	request->client.ip = request->client.has_ip ? PG_GETARG_DATUM(5) : (Datum) 0;
	request->door = GetUserId();
	security_context_become_owner(fcinfo, &caller);
	http_serve(request, response);
	security_context_restore(&caller);
}

static FetchAnswer
read_answer(FunctionCallInfo fcinfo, const HttpHeaders *headers)
{
	int status = PG_ARGISNULL(1) ? 0 : PG_GETARG_INT32(1);
	FetchAnswer answer = fetch_answer(status, argument_optional_secret(fcinfo, 3));

	if (answer.status != 0)
	{
		answer.content_type = headers_first(headers, "content-type");
		answer.cache_control = headers_first(headers, "cache-control");
	}
	return answer;
}

static void
resume_arguments(FunctionCallInfo fcinfo, const HttpHeaders *headers, HttpResponse *response)
{
	char *resume = argument_token(fcinfo, 0);
	FetchAnswer answer = read_answer(fcinfo, headers);
	HttpRequest *request = palloc0(sizeof(HttpRequest));
	FetchFlow flow;
	const Refusal *refusal;
	SecurityContext caller;

	argument_require(fcinfo, 0, "resume");
	request->door = GetUserId();
	security_context_become_owner(fcinfo, &caller);
	refusal = fetch_flow_resume(resume, &flow);
	if (refusal == NULL)
		http_serve_answer(&flow, &answer, request, response);
	else
	{
		request->method = "GET";
		http_begin_response(request, response);
		http_respond_refusal(response, refusal);
		http_complete_response(request, response);
	}
	security_context_restore(&caller);
}

static Datum
response_row(FunctionCallInfo fcinfo, const HttpResponse *response, Datum headers, Datum fetch)
{
	TupleDesc tupdesc;
	Datum values[COLUMNS];
	bool nulls[COLUMNS] = {false};

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[COLUMN_STATUS] = Int32GetDatum(response->status);
	values[COLUMN_HEADERS] = headers;
	values[COLUMN_BODY] = CStringGetTextDatum(response->body.data);
	nulls[COLUMN_BODY] = response->body.len == 0;
	values[COLUMN_FETCH] = fetch;
	nulls[COLUMN_FETCH] = response->fetch == NULL;
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls));
}

static Datum
row_with_jsonb(FunctionCallInfo fcinfo, const HttpResponse *response)
{
	StringInfoData headers;
	StringInfoData fetch;

	initStringInfo(&headers);
	headers_write_json(&response->headers, &headers);
	initStringInfo(&fetch);
	if (response->fetch != NULL)
		fetch_append(&fetch, response->fetch);
	return response_row(fcinfo, response, JsonbPGetDatum(json_to_jsonb(&headers)),
						(response->fetch != NULL) ? JsonbPGetDatum(json_to_jsonb(&fetch)) : (Datum) 0);
}

/* The members of the object of a fetch, and each header as one named "header". */
static ArrayType *
fetch_to_array(const Fetch *fetch)
{
	HttpHeaders members = {0};

	headers_add(&members, "method", fetch->method);
	headers_add(&members, "url", fetch->url);
	for (int i = 0; i < fetch->header_count; i++)
		headers_add(&members, "header",
					psprintf("%s: %s", fetch->headers[i].name, fetch->headers[i].value));
	if (fetch->body != NULL)
		headers_add(&members, "body", fetch->body);
	headers_add(&members, "timeout_ms", psprintf("%d", fetch->timeout_ms));
	headers_add(&members, "max_bytes", psprintf("%d", FETCH_MAX_BYTES));
	headers_add(&members, "resume", fetch->resume);
	return headers_to_array(&members);
}

static Datum
row_with_arrays(FunctionCallInfo fcinfo, const HttpResponse *response)
{
	Datum headers = PointerGetDatum(headers_to_array(&response->headers));
	Datum fetch = (Datum) 0;

	if (response->fetch != NULL)
		fetch = PointerGetDatum(fetch_to_array(response->fetch));
	return response_row(fcinfo, response, headers, fetch);
}

/* http(method, path, query, headers, body, ip_address) -> (status, headers, body, fetch) */
Datum
authfort_http(PG_FUNCTION_ARGS)
{
	HttpRequest request = {0};
	HttpResponse response = {0};

	client_message_mark();
	if (!PG_ARGISNULL(3))
		headers_read_jsonb(&request.headers, PG_GETARG_JSONB_P(3));
	serve_arguments(fcinfo, &request, &response);
	PG_RETURN_DATUM(row_with_jsonb(fcinfo, &response));
}

/* The same with headers as an array of text, in which a value follows each name. */
Datum
authfort_http_request(PG_FUNCTION_ARGS)
{
	HttpRequest request = {0};
	HttpResponse response = {0};

	client_message_mark();
	if (!PG_ARGISNULL(3))
		headers_read_array(&request.headers, PG_GETARG_ARRAYTYPE_P(3));
	serve_arguments(fcinfo, &request, &response);
	PG_RETURN_DATUM(row_with_arrays(fcinfo, &response));
}

/* http_resume(resume, status, headers, body) -> (status, headers, body, fetch) */
Datum
authfort_http_resume(PG_FUNCTION_ARGS)
{
	HttpHeaders headers = {0};
	HttpResponse response = {0};

	client_message_mark();
	if (!PG_ARGISNULL(2))
		headers_read_jsonb(&headers, PG_GETARG_JSONB_P(2));
	resume_arguments(fcinfo, &headers, &response);
	PG_RETURN_DATUM(row_with_jsonb(fcinfo, &response));
}

/* The same with headers as an array of text. */
Datum
authfort_http_resume_request(PG_FUNCTION_ARGS)
{
	HttpHeaders headers = {0};
	HttpResponse response = {0};

	client_message_mark();
	if (!PG_ARGISNULL(2))
		headers_read_array(&headers, PG_GETARG_ARRAYTYPE_P(2));
	resume_arguments(fcinfo, &headers, &response);
	PG_RETURN_DATUM(row_with_arrays(fcinfo, &response));
}
