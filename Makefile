# authfort: make, make install, make test, make demo, make bench, make fuzz

EXTENSION = authfort
EXTVERSION = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" authfort.control)
MODULE_big = authfort

# from primitives up to the HTTP surface
OBJS = \
	src/authfort.o \
	src/settings.o \
	src/settings_hooks.o \
	src/settings_jwt.o \
	src/base/refusal.o \
	src/crypto/base64url.o \
	src/http/cookie.o \
	src/crypto/jws.o \
	src/http/url.o \
	src/crypto/refresh_token_format.o \
	src/crypto/sha256.o \
	src/base/secret.o \
	src/base/json.o \
	src/base/uuid.o \
	src/base/unicode.o \
	src/base/uuid_v7.o \
	src/base/watched_table.o \
	src/base/log_limit.o \
	src/domain/input.o \
	src/base/client_message.o \
	src/base/arguments.o \
	src/base/security_context.o \
	src/base/others_code.o \
	src/base/spi_query.o \
	src/base/expired_rows.o \
	src/base/open_cursors.o \
	src/base/keyed_row.o \
	src/base/address.o \
	src/base/origin.o \
	src/base/web_url.o \
	src/base/rate.o \
	src/flow/response_timing.o \
	src/flow/mail_limit.o \
	src/crypto/ecdsa_signature.o \
	src/crypto/pkey.o \
	src/crypto/jwt.o \
	src/crypto/foreign_signature.o \
	src/crypto/jwk.o \
	src/crypto/id_token.o \
	src/crypto/master_key.o \
	src/crypto/seal.o \
	src/crypto/short_code.o \
	src/crypto/cbor.o \
	src/crypto/webauthn_data.o \
	src/crypto/webauthn_key.o \
	src/crypto/webauthn_client_data.o \
	src/crypto/totp.o \
	src/base/shared_memory.o \
	src/crypto/hash_budget.o \
	src/crypto/sched_batch.o \
	src/crypto/password_hash.o \
	src/domain/events.o \
	src/domain/database_id.o \
	src/domain/key_expiry.o \
	src/domain/signing_keys.o \
	src/domain/own_jwt.o \
	src/domain/roles.o \
	src/domain/users.o \
	src/domain/user_rows.o \
	src/domain/email_changes.o \
	src/domain/user_search.o \
	src/domain/sessions.o \
	src/domain/sessions_cleanup.o \
	src/domain/refresh_token.o \
	src/domain/one_time_tokens.o \
	src/domain/email_codes.o \
	src/domain/outbox.o \
	src/domain/spent_ids.o \
	src/domain/service_tokens.o \
	src/domain/passkeys.o \
	src/domain/passkey_providers.o \
	src/domain/message_template_syntax.o \
	src/domain/message_templates.o \
	src/domain/passkey_challenge.o \
	src/domain/password_history.o \
	src/domain/oauth_presets.o \
	src/domain/oauth_config.o \
	src/domain/oauth_discovery.o \
	src/domain/oauth_documents.o \
	src/domain/oauth_providers.o \
	src/domain/sealed_column.o \
	src/domain/identities.o \
	src/domain/breached_passwords.o \
	src/domain/rate_limit.o \
	src/domain/attempts.o \
	src/domain/mfa.o \
	src/domain/claims_hook.o \
	src/domain/backup_codes.o \
	src/identity/access_token.o \
	src/identity/postgrest_claims.o \
	src/identity/identity.o \
	src/flow/auth_result.o \
	src/flow/fetch.o \
	src/flow/second_factor.o \
	src/flow/mfa_code.o \
	src/flow/mfa.o \
	src/flow/mfa_challenge.o \
	src/flow/sign_in.o \
	src/flow/redirect_target.o \
	src/flow/app_code.o \
	src/flow/oauth_flow.o \
	src/flow/oauth_profile.o \
	src/flow/oauth_account.o \
	src/flow/oauth_fetches.o \
	src/flow/oauth_steps.o \
	src/flow/oauth_authorize.o \
	src/flow/oauth_callback.o \
	src/flow/oauth_app_token.o \
	src/flow/oauth_finish.o \
	src/flow/oauth_form.o \
	src/flow/identity_unlink.o \
	src/flow/oauth_sql.o \
	src/flow/mailbox_proof.o \
	src/flow/recent_auth.o \
	src/flow/user_message.o \
	src/flow/notices.o \
	src/flow/mailed_token.o \
	src/flow/email_verification.o \
	src/flow/email_change.o \
	src/flow/passwordless.o \
	src/flow/reauthentication.o \
	src/flow/invitations.o \
	src/flow/password_policy.o \
	src/flow/signup.o \
	src/flow/no_password.o \
	src/flow/login.o \
	src/flow/refresh.o \
	src/flow/introspection.o \
	src/flow/service_token_admin.o \
	src/flow/password_flows.o \
	src/flow/role_admin.o \
	src/flow/belongings.o \
	src/flow/user_changes.o \
	src/flow/user_admin.o \
	src/flow/session_admin.o \
	src/flow/way_in.o \
	src/flow/passkey_options.o \
	src/flow/passkey_response.o \
	src/flow/passkey_assertion.o \
	src/flow/passkeys.o \
	src/flow/passkey_login.o \
	src/flow/passkey_mfa.o \
	src/flow/passkey_session.o \
	src/flow/key_admin.o \
	src/flow/reseal.o \
	src/flow/message_failure.o \
	src/flow/cleanup.o \
	src/flow/database_identity.o \
	src/server/drop_guard.o \
	src/redact/secret_names.o \
	src/redact/own_message.o \
	src/redact/log_redaction.o \
	src/server/cleanup_worker.o \
	src/http/headers.o \
	src/http/message.o \
	src/http/form.o \
	src/http/rfc_refusal.o \
	src/http/cross_origin.o \
	src/http/token_cookies.o \
	src/http/auth_response.o \
	src/http/oauth_cookies.o \
	src/http/oauth.o \
	src/http/signin.o \
	src/http/introspection.o \
	src/http/self.o \
	src/http/mail.o \
	src/http/passkeys.o \
	src/http/mfa.o \
	src/http/admin.o \
	src/http/router.o \
	src/http/fetching.o \
	src/http/door.o \
	src/http/postgrest.o

# the install script, in the order in which things need one another
SQL_PIECES = \
	src/schema.sql \
	src/base/uuid_v7.sql \
	src/base/watched_table.sql \
	src/domain/database_id.sql \
	src/domain/events.sql \
	src/domain/signing_keys.sql \
	src/domain/users.sql \
	src/domain/email_changes.sql \
	src/domain/roles.sql \
	src/domain/user_search.sql \
	src/domain/sessions.sql \
	src/domain/one_time_tokens.sql \
	src/domain/email_codes.sql \
	src/domain/outbox.sql \
	src/domain/spent_ids.sql \
	src/domain/service_tokens.sql \
	src/domain/passkeys.sql \
	src/domain/message_templates.sql \
	src/domain/mfa.sql \
	src/domain/claims_hook.sql \
	src/domain/backup_codes.sql \
	src/domain/password_history.sql \
	src/domain/breached_passwords.sql \
	src/domain/oauth_providers.sql \
	src/domain/identities.sql \
	src/identity/access_token.sql \
	src/identity/identity.sql \
	src/flow/flows.sql \
	src/flow/introspection.sql \
	src/flow/service_token_admin.sql \
	src/flow/password_flows.sql \
	src/flow/email_verification.sql \
	src/flow/passwordless.sql \
	src/flow/invitations.sql \
	src/flow/role_admin.sql \
	src/flow/belongings.sql \
	src/flow/user_admin.sql \
	src/flow/session_admin.sql \
	src/flow/mfa.sql \
	src/flow/user_message.sql \
	src/flow/passkeys.sql \
	src/flow/email_change.sql \
	src/flow/reauthentication.sql \
	src/flow/key_admin.sql \
	src/flow/reseal.sql \
	src/flow/oauth.sql \
	src/flow/views.sql \
	src/domain/rate_limit.sql \
	src/flow/message_failure.sql \
	src/flow/cleanup.sql \
	src/flow/database_identity.sql \
	src/http/router.sql \
	src/http/door.sql \
	src/http/postgrest.sql \
	src/privileges.sql

DATA_built = authfort--$(EXTVERSION).sql
EXTRA_CLEAN = authfort--$(EXTVERSION).sql results output_iso tmp_check

PG_CONFIG ?= pg_config

# These run on a machine that has nothing yet, pg_config included.
ifneq ($(filter test demo demo-stop bench fuzz,$(MAKECMDGOALS)),)
.PHONY: test demo demo-stop bench fuzz
test:
	scripts/install-deps
	scripts/build-and-install
	scripts/test

demo:
	scripts/install-deps
	scripts/build-and-install
	scripts/demo

demo-stop:
	scripts/demo stop

bench:
	scripts/install-deps
	scripts/build-and-install
	bench/run

# each target for a minute, with clang's sanitizers
fuzz:
	scripts/install-deps clang libclang-rt-14-dev
	$(MAKE) -C fuzz fuzz
else

# the server's headers are not ours to warn about
PG_CPPFLAGS = -I$(srcdir)/src -isystem $(shell $(PG_CONFIG) --includedir-server) \
	-DAUTHFORT_VERSION='"$(EXTVERSION)"' -include $(srcdir)/src/base/text_domain.h \
	-Wall -Wextra -Wno-missing-field-initializers -Wno-unused-parameter $(WERROR)
SHLIB_LINK = -lsodium -lcrypto -lcbor -lidn2 -lunistring -Wl,--version-script=src/authfort.map
# no bitcode: the functions are called through fmgr, where inlining gains nothing
override with_llvm = no

# The tests change roles and settings of the database that they are in, so each
# has its own; pg_regress alone would run them in one.
NO_INSTALLCHECK = 1

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

.PHONY: installcheck
installcheck:
	PG_CONFIG="$(PG_CONFIG)" scripts/installcheck

authfort--$(EXTVERSION).sql: $(SQL_PIECES)
	cat $^ > $@

$(OBJS): $(wildcard src/*.h src/*/*.h)

endif
