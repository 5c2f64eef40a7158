/*
 * oauth_config.c
 *		The configuration of an OAuth provider, as an administrator writes it.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "base/json.h"
#include "base/web_url.h"
#include "domain/oauth_config.h"

#define MAX_TEXT 2048 /* bytes of one value */
#define MAX_LIST 32   /* elements of a list */
#define MICROSOFT_CONSUMERS "9188040d-6c67-4c5b-b112-36a304b66dad"

typedef struct Config
{
	const char *provider;
	Jsonb *json;
} Config;

static const char *const member_names[] = {
	"preset",
	"issuer",
	"client_id",
	"client_secret",
	"private_key",
	"key_id",
	"team_id",
	"token_auth_method",
	"redirect_uri",
	"response_mode",
	"tenant",
	"audiences",
	"hosts",
	"authorize_params",
	"scopes",
	"extra_scopes",
	"mapping",
	"trust_email",
	"keep_tokens",
	"enabled",
	"endpoints",
	"authorization_endpoint",
	"token_endpoint",
	"userinfo_endpoint",
	"emails_endpoint",
	"jwks_uri",
	"pkce",
	"nonce",
	"id_token",
};

static const char *const endpoint_names[] = {
	"authorization", "token", "userinfo", "emails", "jwks",
};

static const char *const mapping_names[] = {
	"id", "email", "email_verified", "name", "avatar_url",
};

static _Noreturn void
raise_fault(const Config *config, const char *fault, const char *member, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("configuration of OAuth provider \"%s\": \"%s\" %s", config->provider, member, fault),
			 (hint != NULL) ? errhint("%s", hint) : 0));
}

static bool
is_among(const char *name, size_t len, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return true;
	}
	return false;
}

static char *
joined(const char *const *names, int count)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < count; i++)
		appendStringInfo(&list, "%s%s", (i > 0) ? ", " : "", names[i]);
	return list.data;
}

/* A misspelt member would be ignored, and leave the default in effect. */
static void
check_names(const Config *config, Jsonb *object, const char *const *names, int count)
{
	JsonbIterator *iterator = JsonbIteratorInit(&object->root);
	JsonbIteratorToken token;
	JsonbValue value;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY && !is_among(value.val.string.val, value.val.string.len, names, count))
			raise_fault(config, "is not known", pnstrdup(value.val.string.val, value.val.string.len),
						psprintf("Known are %s.", joined(names, count)));
	}
}

/* NULL if it is absent, or null. */
static JsonbValue *
member(const Config *config, const char *name)
{
	JsonbValue *value = json_member(config->json, name);

	return (value == NULL || value->type == jbvNull) ? NULL : value;
}

static char *
value_text(const Config *config, const char *name, const JsonbValue *value)
{
	if (value->type != jbvString)
		raise_fault(config, "must be a string", name, NULL);
	if (value->val.string.len == 0 || value->val.string.len > MAX_TEXT)
		raise_fault(config, "is empty or too long", name, NULL);
	for (int i = 0; i < value->val.string.len; i++)
	{
		if ((unsigned char) value->val.string.val[i] < ' ' || value->val.string.val[i] == 0x7f)
			raise_fault(config, "has control characters", name, NULL);
	}
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* NULL if it is absent. */
static char *
text_member(const Config *config, const char *name)
{
	JsonbValue *value = member(config, name);

	return (value != NULL) ? value_text(config, name, value) : NULL;
}

static bool
bool_member(const Config *config, const char *name, bool otherwise)
{
	JsonbValue *value = member(config, name);

	if (value == NULL)
		return otherwise;
	if (value->type != jbvBool)
		raise_fault(config, "must be true or false", name, NULL);
	return value->val.boolean;
}

/* An object of the configuration; NULL if it is absent. */
static Jsonb *
object_member(const Config *config, const char *name)
{
	JsonbValue *value = member(config, name);

	if (value == NULL)
		return NULL;
	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		raise_fault(config, "must be an object", name, NULL);
	return JsonbValueToJsonb(value);
}

/* The words of a text, or of an array of texts.  NULL if it is absent. */
static char **
list_member(const Config *config, const char *name, int *count)
{
	JsonbValue *value = member(config, name);
	char **list;

	*count = 0;
	if (value == NULL)
		return NULL;
	list = palloc(MAX_LIST * sizeof(char *));
	if (value->type == jbvString)
	{
		char *text = value_text(config, name, value);

		for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
		{
			if (*count == MAX_LIST)
				raise_fault(config, "has too many elements", name, NULL);
			list[(*count)++] = word;
		}
		return list;
	}
	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		raise_fault(config, "must be an array of strings", name, NULL);
	if (JsonContainerSize(value->val.binary.data) > MAX_LIST)
		raise_fault(config, "has too many elements", name, NULL);
	for (uint32 i = 0; i < JsonContainerSize(value->val.binary.data); i++)
		list[(*count)++] =
			value_text(config, name, getIthJsonbValueFromContainer(value->val.binary.data, i));
	return list;
}

/*
 * In clear only on this machine.  With "may_have_query" it is an endpoint, to
 * which parameters are added.
 */
static char *
check_url(const Config *config, const char *name, char *text, bool may_have_query)
{
	WebUrl url;

	if (!web_url_read(text, &url) || !web_url_is_confidential(&url))
		raise_fault(config, "must be an https URL", name,
					"Plain http is for addresses of this machine, such as http://localhost:8080.");
	if (strchr(text, '#') != NULL || (!may_have_query && strchr(text, '?') != NULL))
		raise_fault(config, "must be a URL without query and fragment", name, NULL);
	return text;
}

static char *
url_member(const Config *config, const char *name, bool may_have_query)
{
	char *text = text_member(config, name);

	return (text != NULL) ? check_url(config, name, text, may_have_query) : NULL;
}

/* The id stands in the header of a token as it is. */
static char *
read_key_id(const Config *config)
{
	char *id = text_member(config, "key_id");

	if (id != NULL &&
		strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-") != strlen(id))
		raise_fault(config, "must have letters, digits, dots, dashes, colons and underscores",
					"key_id", NULL);
	return id;
}

/* A copy of a URL of a preset with the tenant in its place. */
static char *
with_tenant(const char *url, const char *tenant)
{
	static const char place[] = "{tenant}";
	const char *at = (url != NULL) ? strstr(url, place) : NULL;

	if (url == NULL)
		return NULL;
	if (at == NULL)
		return pstrdup(url);
	return psprintf("%.*s%s%s", (int) (at - url), url, tenant, at + sizeof(place) - 1);
}

/* Microsoft's: an id, or a name for accounts of many tenants. */
static char *
read_tenant(const Config *config, const OAuthPreset *preset)
{
	char *tenant = text_member(config, "tenant");

	if (!preset->needs_tenant)
	{
		if (tenant != NULL)
			raise_fault(config, "is for the preset microsoft", "tenant", NULL);
		return NULL;
	}
	if (tenant == NULL)
		raise_fault(config, "is missing", "tenant",
					"It is the id of your directory, or common, organizations or consumers.");
	if (strcmp(tenant, "common") != 0 && strcmp(tenant, "organizations") != 0 &&
		strcmp(tenant, "consumers") != 0 &&
		(strlen(tenant) != 36 || strspn(tenant, "0123456789abcdefABCDEF-") != 36))
		raise_fault(config, "must be the id of a directory, or common, organizations or consumers",
					"tenant", NULL);
	return tenant;
}

/*
 * For many tenants the issuer depends on the token (crypto/id_token.h).  All
 * personal accounts are of one.
 */
static char *
issuer_of_preset(const OAuthPreset *preset, const char *tenant)
{
	if (tenant != NULL && strcmp(tenant, "consumers") == 0)
		tenant = MICROSOFT_CONSUMERS;
	else if (tenant != NULL && strlen(tenant) != 36)
		tenant = "{tenantid}";
	return with_tenant(preset->issuer, tenant);
}

static const OAuthPreset *
read_preset(const Config *config)
{
	char *name = text_member(config, "preset");
	const OAuthPreset *preset;

	if (name == NULL || strcmp(name, "oidc") == 0 || strcmp(name, "oauth2") == 0)
	{
		bool openid = (name != NULL) ? strcmp(name, "oidc") == 0 : member(config, "issuer") != NULL;

		return openid ? &oauth_preset_openid : &oauth_preset_oauth2;
	}
	preset = oauth_preset_find(name);
	if (preset == NULL)
		raise_fault(config, "is not known", "preset",
					psprintf("Known are %s; oidc, with an issuer; and oauth2, with endpoints.",
							 oauth_preset_names()));
	return preset;
}

static TokenAuth
read_token_auth(const Config *config, TokenAuth otherwise)
{
	static const struct
	{
		const char *name;
		TokenAuth method;
	} methods[] = {
		{"basic", TOKEN_AUTH_BASIC},
		{"client_secret_basic", TOKEN_AUTH_BASIC},
		{"post", TOKEN_AUTH_POST},
		{"client_secret_post", TOKEN_AUTH_POST},
		{"private_key_jwt", TOKEN_AUTH_PRIVATE_KEY},
		{"none", TOKEN_AUTH_NONE},
	};
	char *name = text_member(config, "token_auth_method");

	if (name == NULL)
		return otherwise;
	for (size_t i = 0; i < lengthof(methods); i++)
	{
		if (strcmp(name, methods[i].name) == 0)
			return methods[i].method;
	}
	raise_fault(config, "is not known", "token_auth_method",
				"Known are basic, post, private_key_jwt and none.");
}

/*
 * The client's credential must be present.  Without a stated method, a client
 * without a secret uses its private key, and is a public one without either.
 */
static void
check_token_auth(const Config *config, OAuthProvider *provider, bool has_secret, bool has_key)
{
	/* Apple's secret can be made by hand, for half a year */
	if (provider->token_auth == TOKEN_AUTH_SIGNED_SECRET && !has_key && has_secret)
		provider->token_auth = TOKEN_AUTH_POST;
	switch (provider->token_auth)
	{
		case TOKEN_AUTH_UNSTATED:
			if (!has_secret)
				provider->token_auth = has_key ? TOKEN_AUTH_PRIVATE_KEY : TOKEN_AUTH_NONE;
			break;
		case TOKEN_AUTH_NONE:
			break;
		case TOKEN_AUTH_BASIC:
		case TOKEN_AUTH_POST:
			if (!has_secret)
				raise_fault(config, "is missing", "client_secret",
							"A public client has the token_auth_method none.");
			break;
		case TOKEN_AUTH_SIGNED_SECRET:
			if (provider->team_id == NULL)
				raise_fault(config, "is missing", "team_id", NULL);
			if (has_key && provider->key_id == NULL)
				raise_fault(config, "is missing", "key_id", NULL);
			/* FALLTHROUGH */
		case TOKEN_AUTH_PRIVATE_KEY:
			if (!has_key)
				raise_fault(config, "is missing", "private_key", NULL);
			break;
	}
}

static char *
read_response_mode(const Config *config, const OAuthPreset *preset)
{
	char *mode = text_member(config, "response_mode");

	if (mode == NULL)
		return (preset->response_mode != NULL) ? pstrdup(preset->response_mode) : NULL;
	if (strcmp(mode, "form_post") == 0)
		return mode;
	if (strcmp(mode, "query") != 0)
		raise_fault(config, "must be query or form_post", "response_mode", NULL);
	return NULL;
}

static char *
joined_words(char **words, int count, const char *before)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoString(&text, before);
	for (int i = 0; i < count; i++)
		appendStringInfo(&text, "%s%s", (text.len > 0) ? " " : "", words[i]);
	return text.data;
}

static char *
read_scopes(const Config *config, const OAuthPreset *preset)
{
	int count;
	int extra_count;
	char **scopes = list_member(config, "scopes", &count);
	char **extra = list_member(config, "extra_scopes", &extra_count);
	char *text = (scopes != NULL) ? joined_words(scopes, count, "") : pstrdup(preset->scopes);

	return joined_words(extra, extra_count, text);
}

/* Whether a parameter is of the protocol itself, and so not for the configuration. */
static bool
is_own_parameter(const char *name, size_t len)
{
	static const char *const names[] = {
		"client_id", "redirect_uri", "response_type",  "response_mode",         "scope",
		"state",     "nonce",        "code_challenge", "code_challenge_method",
	};

	return is_among(name, len, names, lengthof(names));
}

static char *
read_authorize_params(const Config *config, const OAuthPreset *preset)
{
	Jsonb *object = object_member(config, "authorize_params");
	StringInfoData text;
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue value;
	char *name = NULL;

	initStringInfo(&text);
	if (preset->authorize_params != NULL)
		appendStringInfoString(&text, preset->authorize_params);
	if (object == NULL)
		return text.data;
	iterator = JsonbIteratorInit(&object->root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			if (is_own_parameter(value.val.string.val, value.val.string.len))
				raise_fault(config, "must not have parameters of the protocol", "authorize_params",
							NULL);
			name = pnstrdup(value.val.string.val, value.val.string.len);
		}
		else if (token == WJB_VALUE)
			web_url_append_parameter(&text, name, value_text(config, "authorize_params", &value));
	}
	return text.data;
}

/* The client's own id is always one of them. */
static void
read_audiences(const Config *config, OAuthProvider *provider)
{
	int count;
	char **others = list_member(config, "audiences", &count);

	provider->audiences = palloc((count + 1) * sizeof(char *));
	provider->audiences[0] = provider->client_id;
	for (int i = 0; i < count; i++)
		provider->audiences[i + 1] = others[i];
	provider->audience_count = count + 1;
}

/* By default those of the preset; otherwise the issuer's, with its port. */
static void
read_hosts(const Config *config, OAuthProvider *provider)
{
	provider->hosts = list_member(config, "hosts", &provider->host_count);
	for (int i = 0; i < provider->host_count; i++)
	{
		WebUrl url;

		if (!web_url_read(psprintf("https://%s/", provider->hosts[i]), &url) ||
			strcmp(url.path, "/") != 0)
			raise_fault(config, "must have names of hosts", "hosts", NULL);
	}
	if (provider->hosts == NULL && provider->preset->hosts != NULL)
	{
		Config preset = *config;
		StringInfoData json;

		initStringInfo(&json);
		json_open(&json);
		json_write_string(&json, "hosts", provider->preset->hosts);
		json_close(&json);
		preset.json = json_to_jsonb(&json);
		provider->hosts = list_member(&preset, "hosts", &provider->host_count);
	}
}

/*
 * An endpoint by its own name, or as a member of "endpoints".  The endpoint of a
 * preset belongs to the preset's issuer.
 */
static char *
read_endpoint(const Config *config, const Config *endpoints, const char *own_name, const char *name,
			  char *preset)
{
	char *url = url_member(config, own_name, true);

	if (url == NULL && endpoints->json != NULL)
		url = url_member(endpoints, name, true);
	return (url != NULL) ? url : preset;
}

static void
read_endpoints(const Config *config, OAuthProvider *provider, const char *tenant)
{
	const OAuthPreset *preset = provider->preset;
	OAuthEndpoints *to = &provider->endpoints;
	Config endpoints = {config->provider, object_member(config, "endpoints")};

	if (endpoints.json != NULL)
		check_names(config, endpoints.json, endpoint_names, lengthof(endpoint_names));
	if (member(config, "issuer") == NULL)
	{
		to->authorization = with_tenant(preset->authorization_endpoint, tenant);
		to->token = with_tenant(preset->token_endpoint, tenant);
		to->userinfo = with_tenant(preset->userinfo_endpoint, tenant);
		to->emails = with_tenant(preset->emails_endpoint, tenant);
		to->jwks = with_tenant(preset->jwks_uri, tenant);
	}
	to->authorization = read_endpoint(config, &endpoints, "authorization_endpoint", "authorization",
									  to->authorization);
	to->token = read_endpoint(config, &endpoints, "token_endpoint", "token", to->token);
	to->userinfo = read_endpoint(config, &endpoints, "userinfo_endpoint", "userinfo", to->userinfo);
	to->emails = read_endpoint(config, &endpoints, "emails_endpoint", "emails", to->emails);
	to->jwks = read_endpoint(config, &endpoints, "jwks_uri", "jwks", to->jwks);
	if (provider->issuer != NULL)
		return;
	if (to->authorization == NULL)
		raise_fault(config, "is missing", "authorization_endpoint",
					"Or give an issuer, for OpenID Connect.");
	if (to->token == NULL)
		raise_fault(config, "is missing", "token_endpoint", NULL);
	if (to->userinfo == NULL)
		raise_fault(config, "is missing", "userinfo_endpoint", NULL);
}

/* A path may begin as JSONPath does. */
static const char *
read_path(const Config *mapping, const char *name, const char *otherwise)
{
	char *path = text_member(mapping, name);

	if (path == NULL)
		return otherwise;
	if (strncmp(path, "$.", 2) == 0)
		path += 2;
	if (path[0] == '\0' || path[0] == '.' || path[strlen(path) - 1] == '.' ||
		strstr(path, "..") != NULL || strpbrk(path, "$[]*\"'") != NULL)
		raise_fault(mapping, "must be a path such as data.user.id", name, NULL);
	return path;
}

static void
read_mapping(const Config *config, OAuthProvider *provider)
{
	Config mapping = {config->provider, object_member(config, "mapping")};
	ProfileMapping *to = &provider->mapping;

	*to = provider->preset->mapping;
	if (mapping.json == NULL)
		return;
	check_names(config, mapping.json, mapping_names, lengthof(mapping_names));
	to->id = read_path(&mapping, "id", to->id);
	to->email = read_path(&mapping, "email", to->email);
	to->email_verified = read_path(&mapping, "email_verified", to->email_verified);
	to->name = read_path(&mapping, "name", to->name);
	to->avatar_url = read_path(&mapping, "avatar_url", to->avatar_url);
}

static bool
is_overridden(const char *url, const char *preset)
{
	return url != NULL && (preset == NULL || strcmp(url, preset) != 0);
}

/* Whether all URLs are the preset's own; otherwise another server may answer for it. */
static bool
is_unchanged_preset(const OAuthProvider *provider)
{
	const OAuthPreset *preset = provider->preset;
	const OAuthEndpoints *endpoints = &provider->endpoints;

	return !is_overridden(provider->issuer, preset->issuer) &&
		   !is_overridden(endpoints->authorization, preset->authorization_endpoint) &&
		   !is_overridden(endpoints->token, preset->token_endpoint) &&
		   !is_overridden(endpoints->userinfo, preset->userinfo_endpoint) &&
		   !is_overridden(endpoints->emails, preset->emails_endpoint) &&
		   !is_overridden(endpoints->jwks, preset->jwks_uri);
}

static bool
read_trust_email(const Config *config, const OAuthProvider *provider)
{
	const OAuthPreset *preset = provider->preset;
	bool trust =
		bool_member(config, "trust_email", preset->trust_email && is_unchanged_preset(provider));

	if (trust && preset->never_trust_email)
		raise_fault(config, "cannot be true with this preset", "trust_email",
					"Administrators of any directory can write any email into its accounts.");
	return trust;
}

/* "required" or "optional": whether the profile may come from userinfo alone. */
static bool
read_id_token_optional(const Config *config, const OAuthPreset *preset)
{
	char *id_token = text_member(config, "id_token");

	if (id_token == NULL)
		return preset->id_token_optional;
	if (strcmp(id_token, "optional") != 0 && strcmp(id_token, "required") != 0)
		raise_fault(config, "must be required or optional", "id_token", NULL);
	return strcmp(id_token, "optional") == 0;
}

/*
 * One of the two binds the provider's answer to this sign-in, so that a code
 * that was stolen from another one cannot be injected into it.
 */
static void
read_binding(const Config *config, OAuthProvider *provider)
{
	provider->pkce = bool_member(config, "pkce", provider->preset->pkce);
	provider->nonce = bool_member(config, "nonce", provider->preset->nonce);
	if (provider->nonce && !provider->preset->openid)
		raise_fault(config, "needs an id_token, and so an OpenID provider", "nonce", NULL);
	if (!provider->pkce && !provider->nonce && provider->preset->name[0] == '\0')
		raise_fault(config, "is off, and so is \"nonce\": one of them is needed", "pkce", NULL);
	provider->id_token_optional = read_id_token_optional(config, provider->preset);
	if (provider->id_token_optional && !provider->pkce)
		raise_fault(config, "cannot be optional without \"pkce\"", "id_token", NULL);
}

OAuthProvider *
oauth_config_read(const char *name, Jsonb *json, bool has_secret, bool has_key)
{
	Config config = {name, json};
	OAuthProvider *provider = palloc0(sizeof(OAuthProvider));
	const OAuthPreset *preset;
	char *tenant;

	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the configuration of an OAuth provider must be a JSON object")));
	check_names(&config, json, member_names, lengthof(member_names));
	preset = provider->preset = read_preset(&config);
	provider->name = pstrdup(name);
	provider->enabled = bool_member(&config, "enabled", true);
	tenant = read_tenant(&config, preset);
	provider->issuer = url_member(&config, "issuer", false);
	if (provider->issuer != NULL && !preset->openid)
		raise_fault(&config, "is for OpenID providers", "issuer", NULL);
	if (provider->issuer == NULL)
	{
		provider->issuer = issuer_of_preset(preset, tenant);
		provider->other_issuer = preset->other_issuer;
	}
	if (preset->openid && provider->issuer == NULL)
		raise_fault(&config, "is missing", "issuer", NULL);
	provider->client_id = text_member(&config, "client_id");
	if (provider->client_id == NULL)
		raise_fault(&config, "is missing", "client_id", NULL);
	provider->key_id = read_key_id(&config);
	provider->team_id = text_member(&config, "team_id");
	provider->token_auth = read_token_auth(&config, preset->token_auth);
	check_token_auth(&config, provider, has_secret, has_key);
	provider->redirect_uri = url_member(&config, "redirect_uri", true);
	provider->response_mode = read_response_mode(&config, preset);
	provider->scopes = read_scopes(&config, preset);
	provider->authorize_params = read_authorize_params(&config, preset);
	read_audiences(&config, provider);
	read_hosts(&config, provider);
	read_endpoints(&config, provider, tenant);
	read_mapping(&config, provider);
	read_binding(&config, provider);
	provider->trust_email = read_trust_email(&config, provider);
	provider->keep_tokens = bool_member(&config, "keep_tokens", false);
	return provider;
}
