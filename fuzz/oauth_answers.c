/*
 * oauth_answers.c
 *		Fuzz target, in a server: what an OAuth provider answers.
 *
 * The readers use the server's JSON parser, jsonb and numeric, so they run in a
 * backend.  fuzz_oauth_answers(text[]) runs libFuzzer there with those arguments,
 * and replay_oauth_answers(bytea) runs one input.  Nothing an input holds may
 * raise an error, and what a reader accepts has the properties that the rest
 * relies on.
 *
 * The first byte selects the reader, the rest is its input.
 */
#include "postgres.h"

#include <sodium.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/json.h"
#include "base/web_url.h"
#include "crypto/base64url.h"
#include "crypto/id_token.h"
#include "crypto/jwk.h"
#include "crypto/jws.h"
#include "domain/identities.h"
#include "domain/oauth_config.h"
#include "domain/oauth_discovery.h"
#include "flow/oauth_profile.h"

PG_MODULE_MAGIC;
PG_FUNCTION_INFO_V1(replay_oauth_answers);
#ifdef FUZZER
PG_FUNCTION_INFO_V1(fuzz_oauth_answers);
#endif

#define NOW 1700000000 /* Unix time */
#define NONCE "the-nonce"

static const char config[] =
	"{\"issuer\": \"https://id.example\", \"client_id\": \"client\", \"hosts\": [\"keys.example:8443\"],"
	" \"mapping\": {\"id\": \"data.0.id sub\", \"name\": \"a.b name\", \"email\": \"email emails.0\"}}";

static OAuthProvider *provider;
static Jsonb *known_claims;
static EVP_PKEY *signing_key; /* "kid" is "k" */
static Jsonb *known_keys;

/* Memory of our code, freed after each input. */
static void **pieces;
static int piece_count;
static int piece_room;
static bool keep_pieces;

void *
fuzz_alloc(size_t size)
{
	void *piece = malloc(size > 0 ? size : 1);

	if (piece == NULL)
		abort();
	if (keep_pieces)
		return piece;
	if (piece_count == piece_room)
	{
		piece_room = Max(64, 2 * piece_room);
		pieces = realloc(pieces, piece_room * sizeof(void *));
	}
	return pieces[piece_count++] = piece;
}

char *
fuzz_strndup(const char *text, size_t len)
{
	char *copy = fuzz_alloc(len + 1);

	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

char *
fuzz_printf(const char *format, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	text = fuzz_alloc(len + 1);
	va_start(args, format);
	vsnprintf(text, len + 1, format, args);
	va_end(args);
	return text;
}

static void
require(bool condition)
{
	if (!condition)
		abort();
}

static Jsonb *
read_constant(const char *text)
{
	Jsonb *json;

	require(json_read_object(text, strlen(text), &json) == JSON_READ);
	return json;
}

static void
prepare(void)
{
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
	StringInfoData keys;

	keep_pieces = true;
	provider = oauth_config_read("fuzz", read_constant(config), true, false);
	known_claims = read_constant("{\"sub\": \"s\", \"email\": \"a@example.com\"}");
	signing_key = pkey_generate(SIGN_ES256, 0);
	initStringInfo(&keys);
	appendStringInfoString(&keys, "{\"keys\": [");
	pkey_append_jwk(&keys, signing_key, SIGN_ES256, "k");
	appendStringInfoString(&keys, "]}");
	known_keys = read_constant(keys.data);
	keep_pieces = false;
	MemoryContextSwitchTo(caller);
}

static void
require_endpoint(const char *text)
{
	WebUrl url;

	require(text == NULL || (web_url_read(text, &url) && strcmp(url.scheme, "https") == 0 &&
							 ((strcmp(url.host, "id.example") == 0 && url.port == 443) ||
							  (strcmp(url.host, "keys.example") == 0 && url.port == 8443))));
}

static void
check_discovery(const char *text)
{
	OAuthEndpoints endpoints;
	TokenAuth token_auth;
	Jsonb *document;

	if (json_read_foreign_object(text, strlen(text), &document) != JSON_READ ||
		!oauth_provider_read_discovery(provider, document, &endpoints, &token_auth))
		return;
	require(endpoints.authorization != NULL && endpoints.token != NULL && endpoints.jwks != NULL);
	require_endpoint(endpoints.authorization);
	require_endpoint(endpoints.token);
	require_endpoint(endpoints.userinfo);
	require_endpoint(endpoints.jwks);
}

static void
require_sendable(const char *token)
{
	for (const char *p = token; p != NULL && *p != '\0'; p++)
		require(*p > ' ' && *p < 0x7f);
}

static void
check_tokens(const char *text)
{
	OAuthTokens tokens;

	if (!oauth_tokens_read(text, &tokens))
		return;
	require(tokens.access_token != NULL && tokens.access_token[0] != '\0');
	require(tokens.expires_in >= 0);
	require_sendable(tokens.access_token);
	require_sendable(tokens.refresh_token);
	require_sendable(tokens.id_token);
}

static void
check_profile(const char *text, Jsonb *claims)
{
	OAuthProfile profile;
	Jsonb *userinfo;

	if (json_read_foreign_object(text, strlen(text), &userinfo) != JSON_READ ||
		!oauth_profile_read(provider, claims, userinfo, &profile))
		return;
	require(profile.id == NULL || strlen(profile.id) <= IDENTITY_ID_MAX);
	require(claims == NULL || strcmp(profile.id, "s") == 0);
	require(profile.document == userinfo);
}

static void
check_emails(const char *text)
{
	OAuthProfile profile = {NULL};

	if (oauth_profile_read_emails(text, &profile))
		require(profile.email != NULL || !profile.email_verified);
}

/* Keys that a stranger published do not verify what another one signed. */
static void
check_keys(const char *text)
{
	static const char token[] =
		"eyJhbGciOiJFUzI1NiIsImtpZCI6ImsifQ.e30."
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8AAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHw";
	IdTokenRules rules = {.issuer = "https://id.example", .now = NOW};
	Jsonb *keys;
	Jsonb *claims;

	if (json_read_foreign_object(text, strlen(text), &keys) != JSON_READ)
		return;
	(void) jwks_is_usable(keys);
	require(id_token_verify(token, keys, &rules, &claims) != ID_TOKEN_VALID);
}

static const IdTokenRules *
id_token_rules(void)
{
	static char *const audiences[] = {"client", "phone"};
	static const IdTokenRules rules = {
		.issuer = "https://id.example/{tenantid}/v2",
		.other_issuer = "id.example",
		.audiences = audiences,
		.audience_count = 2,
		.nonce = NONCE,
		.access_token = "access",
		.now = NOW,
	};

	return &rules;
}

static char *
encoded(const char *bytes, size_t len)
{
	char *text = palloc(BASE64URL_ENCODED_SIZE(len));

	base64url_encode((const unsigned char *) bytes, len, text);
	return text;
}

/* A token of that header and payload, with a good signature. */
static char *
signed_token(const char *header, size_t header_len, const char *payload, size_t payload_len)
{
	char *text = psprintf("%s.%s", encoded(header, header_len), encoded(payload, payload_len));
	unsigned char signature[PKEY_MAX_SIGNATURE];
	size_t len = pkey_sign(signing_key, SIGN_ES256, text, strlen(text), signature);

	return psprintf("%s.%s", text, encoded((char *) signature, len));
}

static void
require_valid_claims(Jsonb *claims)
{
	char *subject = json_member_string(claims, "sub");
	char *issuer = json_member_string(claims, "iss");
	char *nonce = json_member_string(claims, "nonce");
	int64 expires;

	require(subject != NULL && subject[0] != '\0');
	require(issuer != NULL && strstr(issuer, "id.example") != NULL);
	require(nonce != NULL && strcmp(nonce, NONCE) == 0);
	require(json_member_rounded(claims, "exp", false, &expires) && expires > NOW - 120);
	require(json_member(claims, "aud") != NULL);
}

/* The provider signed it, whatever it says. */
static void
check_signed(const char *header, const char *payload, size_t payload_len)
{
	Jsonb *claims;

	if (id_token_verify(signed_token(header, strlen(header), payload, payload_len), known_keys,
						id_token_rules(), &claims) == ID_TOKEN_VALID)
		require_valid_claims(claims);
}

/* The provider did not sign it. */
static void
check_forged(const char *text)
{
	Jsonb *claims;

	require(id_token_verify(text, known_keys, id_token_rules(), &claims) != ID_TOKEN_VALID);
}

static void
check(char reader, const char *text, size_t len)
{
	static const char claims[] =
		"{\"iss\":\"id.example\",\"aud\":\"client\",\"sub\":\"s\",\"nonce\":\"" NONCE "\","
		"\"iat\":1700000000,\"exp\":1700000300}";

	switch (reader)
	{
		case 'd':
			check_discovery(text);
			break;
		case 't':
			check_tokens(text);
			break;
		case 'u':
			check_profile(text, NULL);
			break;
		case 'U':
			check_profile(text, known_claims);
			break;
		case 'e':
			check_emails(text);
			break;
		case 'k':
			check_keys(text);
			break;
		case 'c':
			check_signed("{\"alg\":\"ES256\",\"kid\":\"k\"}", text, len);
			break;
		case 'h':
			check_signed(text, claims, strlen(claims));
			break;
		case 'i':
			check_forged(text);
			break;
	}
}

/* An error is a finding: nothing that a provider writes may raise one. */
static int
run(const uint8_t *data, size_t size)
{
	static MemoryContext memory = NULL;
	MemoryContext caller = CurrentMemoryContext;
	char *text;

	if (size == 0 || memchr(data, '\0', size) != NULL)
		return 0; /* a body with a zero byte does not come through the door */
	if (memory == NULL)
	{
		memory = AllocSetContextCreate(TopMemoryContext, "fuzz input", ALLOCSET_DEFAULT_SIZES);
		prepare();
	}
	MemoryContextSwitchTo(memory);
	text = fuzz_strndup((const char *) data + 1, size - 1);
	PG_TRY();
	{
		check(data[0], text, size - 1);
	}
	PG_CATCH();
	{
		EmitErrorReport();
		abort();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	MemoryContextReset(memory);
	while (piece_count > 0)
		free(pieces[--piece_count]);
	return 0;
}

Datum
replay_oauth_answers(PG_FUNCTION_ARGS)
{
	bytea *input = PG_GETARG_BYTEA_PP(0);

	run((uint8_t *) VARDATA_ANY(input), VARSIZE_ANY_EXHDR(input));
	PG_RETURN_VOID();
}

#ifdef FUZZER
extern int
LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));

/* Does not return: libFuzzer ends the process. */
Datum
fuzz_oauth_answers(PG_FUNCTION_ARGS)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(0);
	Datum *values;
	int count;
	char **arguments;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, NULL, &count);
	keep_pieces = true;
	arguments = palloc((count + 2) * sizeof(char *));
	arguments[0] = "fuzz_oauth_answers";
	for (int i = 0; i < count; i++)
		arguments[i + 1] = fuzz_strndup(VARDATA_ANY(DatumGetPointer(values[i])),
										VARSIZE_ANY_EXHDR(DatumGetPointer(values[i])));
	count++;
	arguments[count] = NULL;
	keep_pieces = false;
	LLVMFuzzerRunDriver(&count, &arguments, run);
	PG_RETURN_VOID();
}
#endif
