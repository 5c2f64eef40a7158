# authfort: make, make install, make test, make demo, make bench, make fuzz

EXTENSION = authfort
EXTVERSION = 0.1.0
MODULE_big = authfort

# from primitives up to the HTTP surface
OBJS = \
	src/authfort.o \
	src/settings.o \
	src/refusal.o \
	src/base64url.o \
	src/cookie.o \
	src/jws.o \
	src/url.o \
	src/sql_scan.o \
	src/statement_text.o \
	src/refresh_token.o \
	src/secret.o \
	src/json.o \
	src/unicode.o \
	src/input.o \
	src/arguments.o \
	src/rights.o \
	src/plan.o \
	src/address.o \
	src/rate.o \
	src/pace.o \
	src/pkey.o \
	src/jwt.o \
	src/master_key.o \
	src/seal.o \
	src/shared_memory.o \
	src/hash_budget.o \
	src/long_work.o \
	src/password.o \
	src/events.o \
	src/keys.o \
	src/roles.o \
	src/users.o \
	src/user_search.o \
	src/sessions.o \
	src/one_time_tokens.o \
	src/outbox.o \
	src/password_history.o \
	src/breached_passwords.o \
	src/rate_limit.o \
	src/access_token.o \
	src/request_claims.o \
	src/identity.o \
	src/auth_result.o \
	src/new_password.o \
	src/signup.o \
	src/login.o \
	src/refresh.o \
	src/password_change.o \
	src/role_admin.o \
	src/user_admin.o \
	src/cleanup.o \
	src/drop_guard.o \
	src/secret_functions.o \
	src/client_statement.o \
	src/log_record.o \
	src/log_redaction.o \
	src/housekeeping.o \
	src/http_message.o \
	src/http_auth.o \
	src/http_account.o \
	src/http_admin.o \
	src/http.o \
	src/postgrest.o

# the install script, in the order in which things need one another
SQL_PIECES = \
	src/schema.sql \
	src/events.sql \
	src/keys.sql \
	src/users.sql \
	src/roles.sql \
	src/user_search.sql \
	src/sessions.sql \
	src/one_time_tokens.sql \
	src/outbox.sql \
	src/password_history.sql \
	src/breached_passwords.sql \
	src/access_token.sql \
	src/identity.sql \
	src/flows.sql \
	src/password_change.sql \
	src/role_admin.sql \
	src/user_admin.sql \
	src/rate_limit.sql \
	src/cleanup.sql \
	src/http.sql \
	src/postgrest.sql \
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
PG_CPPFLAGS = -isystem $(shell $(PG_CONFIG) --includedir-server) \
	-DAUTHFORT_VERSION='"$(EXTVERSION)"' -Wall -Wextra -Werror -Wno-missing-field-initializers
SHLIB_LINK = -lsodium -lcrypto -lidn2
# no bitcode: the functions are called through fmgr, where inlining gains nothing
override with_llvm = no

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

authfort--$(EXTVERSION).sql: $(SQL_PIECES)
	cat $^ > $@

$(OBJS): $(wildcard src/*.h)

endif
