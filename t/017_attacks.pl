# What a hostile role tries, before the extension is made and after: without the
# library preloaded, so that nothing here rests on that.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(create_database start_node);
use DBI;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('main', database => undef);
create_database($node, 'app', <<'SQL');
CREATE ROLE eve LOGIN;
CREATE ROLE mallory LOGIN;
CREATE ROLE backend LOGIN;
SQL
$node->safe_psql('app', 'CREATE SCHEMA eve AUTHORIZATION eve; GRANT USAGE ON SCHEMA eve TO PUBLIC; GRANT CREATE ON SCHEMA public TO PUBLIC; ALTER DATABASE app OWNER TO eve');

my $super = $node->safe_psql('app', 'SELECT current_user');

# A session; options are those of the connection.
sub session
{
	my ($user, $options) = @_;
	local $ENV{PGOPTIONS} = $options if defined $options;
	my $db = DBI->connect('dbi:Pg:' . $node->connstr('app'), $user, '',
		{ RaiseError => 1, PrintError => 0, PrintWarn => 0 });
	return $db;
}

# Runs statements in a session of their own; returns the last one's first value,
# or "SQLSTATE: message" of what failed.
sub attempt
{
	my ($user, @statements) = @_;
	my $db = ref $user ? $user : session($user);
	my $last = pop @statements;
	my $answer = eval {
		$db->do($_) foreach @statements;
		my $statement = $db->prepare($last, { pg_server_prepare => 0 });
		$statement->execute;
		$statement->{NUM_OF_FIELDS} ? ($statement->fetchrow_array)[0] : undef;
	};
	return $@ ? $db->state . ': ' . $db->errstr : $answer;
}
sub super { return attempt($super, @_); }

# Before the extension is made.

foreach my $schema (qw(authfort authfort_api authfort_internal))
{
	attempt('eve', "CREATE SCHEMA $schema");
	like(super('CREATE EXTENSION authfort'), qr/^42P06: .*schema "$schema" already exists/,
		"a schema $schema of another role is not taken over");
	attempt('eve', "DROP SCHEMA $schema");
	is(super("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'authfort%'"), 0,
		'and nothing is left of the attempt');
}

super('CREATE ROLE authfort_http SUPERUSER');
like(super('CREATE EXTENSION authfort'), qr/^55000: .*role "authfort_http" already exists and may do more.*It has SUPERUSER/s, 'a role of our name with rights of its own is refused');
super('ALTER ROLE authfort_http NOSUPERUSER');
super('CREATE ROLE authfort_admin LOGIN');
super('GRANT authfort_admin TO eve');

# Functions, operators and types that stand before PostgreSQL's own, or match better.
my $caught = 'RAISE EXCEPTION $m$caught, as %%$m$, current_user';  # for format()
is(attempt('eve', <<"SQL"), undef, 'eve lays traps');
DO \$make\$
DECLARE
	signature text;
	operator text;
BEGIN
	FOREACH signature IN ARRAY ARRAY['format(text, text)', 'format(text, text, text)', 'format(text, name)', 'format(text, VARIADIC text[])', 'now()', 'lower(text)', 'btrim(text)', 'length(bytea)', 'length(text)',
		'concat(text, uuid, text)', 'nextval(text)', 'current_setting(text)', 'current_database()', 'pg_notify(text, text)', 'quote_ident(name)', 'jsonb_build_object(text, uuid)', 'count(text)', 'unnest(bigint[])', 'host(inet)', 'network(inet)',
		'starts_with(text, text)', 'to_regprocedure(text)', 'pg_extension_config_dump(text, text)', 'regexp_replace(text, text, text, text)', 'gen_random_uuid()', 'aclexplode(aclitem[])', 'concat_ws(text, text, text)'] LOOP
		EXECUTE pg_catalog.format('CREATE FUNCTION eve.%s RETURNS text LANGUAGE plpgsql AS \$f\$ BEGIN $caught; END \$f\$', signature);
		EXECUTE pg_catalog.format('CREATE FUNCTION public.%s RETURNS text LANGUAGE plpgsql AS \$f\$ BEGIN $caught; END \$f\$', signature);
	END LOOP;
	FOREACH signature IN ARRAY ARRAY['text', 'name', 'uuid', 'inet', 'bigint', 'integer', 'boolean', 'timestamptz', 'bytea', 'jsonb', 'oid', '"char"', 'tid'] LOOP
		EXECUTE pg_catalog.format('CREATE FUNCTION eve.trap(%s, %s) RETURNS boolean LANGUAGE plpgsql AS \$f\$ BEGIN $caught; END \$f\$', signature, signature);
		FOREACH operator IN ARRAY ARRAY['=', '<>', '<', '>', '<=', '>=', '\@>', '<<=', '||', '+', '-'] LOOP
			EXECUTE pg_catalog.format('CREATE OPERATOR eve.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = eve.trap)', operator, signature, signature);
		END LOOP;
	END LOOP;
	FOREACH signature IN ARRAY ARRAY['uuid', 'inet', 'text', 'jsonb', 'regclass', 'regrole', 'regprocedure', 'name', 'bytea'] LOOP
		EXECUTE pg_catalog.format('CREATE DOMAIN eve.%1\$I AS pg_catalog.%1\$I CHECK (eve.now() IS NULL)', signature);
	END LOOP;
	CREATE TABLE eve.users (LIKE pg_class);
	CREATE VIEW eve.pg_roles AS SELECT 'authfort_http'::name AS rolname;
	CREATE VIEW eve.signing_keys AS SELECT 'x' AS kid;
END \$make\$
SQL
like(attempt('eve', 'SET search_path = eve, pg_catalog', $_), qr/^P0001: .*caught, as eve/, "the trap works: $_")
  foreach q{SELECT 'x'::pg_catalog.text = 'x'::pg_catalog.text}, 'SELECT now()',
	q{SELECT '11111111-1111-1111-1111-111111111111'::uuid};
super('ALTER DATABASE app SET search_path = eve, public, pg_catalog');

# SecurityContext that are given by themselves, to eve and to all, in every way there is.
foreach my $what (qw(TABLES SEQUENCES FUNCTIONS TYPES SCHEMAS))
{
	super("SET search_path = pg_catalog", "ALTER DEFAULT PRIVILEGES GRANT ALL ON $what TO eve WITH GRANT OPTION");
	super("SET search_path = pg_catalog", "ALTER DEFAULT PRIVILEGES GRANT ALL ON $what TO PUBLIC");
}

{
	my ($code, $out, $err) = $node->psql('app', 'CREATE EXTENSION authfort');
	is($code, 0, 'the extension is made among the traps') or diag $err;
	like($err, qr/^.*WARNING:  role "authfort_admin" already exists.*\n.*it can log in; its members: eve\.$/m,
		'earlier members of the role are reported');
}
super('SET search_path = pg_catalog', 'REVOKE authfort_admin FROM eve');
super('SET search_path = pg_catalog', 'ALTER ROLE authfort_admin NOLOGIN');
super('SET search_path = pg_catalog', 'GRANT authfort_admin, authfort_courier TO backend');
is(super('SET search_path = pg_catalog', <<'SQL'), undef, 'default privileges give nobody anything');
SELECT string_agg(pg_describe_object(classid, objid, 0), ', ') FROM pg_depend d LEFT JOIN pg_class c ON c.oid = objid AND classid = 'pg_class'::regclass
	LEFT JOIN pg_proc p ON p.oid = objid AND classid = 'pg_proc'::regclass LEFT JOIN pg_namespace n ON n.oid = objid AND classid = 'pg_namespace'::regclass,
	aclexplode(coalesce(relacl, proacl, nspacl)) a
	WHERE refobjid = (SELECT oid FROM pg_extension WHERE extname = 'authfort') AND deptype = 'e' AND
	(a.grantee = 'eve'::regrole OR a.grantee = 0 AND (relacl IS NOT NULL OR a.privilege_type = 'CREATE'))
SQL
is(super('SET search_path = pg_catalog', q{SELECT count(*) FROM pg_proc WHERE pronamespace = 'authfort'::regnamespace AND has_function_privilege('eve', oid, 'EXECUTE')}), 14, 'eve may call what all may');

# After it: everything with the traps first in the search_path, and temporary objects before them.
my $backend = session('backend');
$backend->do($_) foreach 'SET search_path = pg_temp, eve, public, pg_catalog', 'CREATE TEMP TABLE users (id text)',
	'CREATE TEMP TABLE sessions (id text)', 'CREATE TEMP VIEW signing_keys AS SELECT 1 AS kid',
	'CREATE TEMP TABLE events (event pg_catalog.text)', 'CREATE DOMAIN pg_temp.uuid AS pg_catalog.text',
		'CREATE DOMAIN pg_temp.jsonb AS pg_catalog.text', 'CREATE DOMAIN pg_temp.regprocedure AS pg_catalog.text';
my %token;
sub backend { return attempt($backend, @_); }
foreach my $name (qw(ada bob))
{
	$token{$name} = backend("SELECT (authfort.signup('$name\@example.com', 'correct horse') OPERATOR(pg_catalog.->) 'tokens') OPERATOR(pg_catalog.->>) 'access_token'");
	like($token{$name}, qr/^ey/, "sign-up of $name among the traps");
}
my %id = map { $_ => backend("SELECT authfort.verify_jwt('$token{$_}') OPERATOR(pg_catalog.->>) 'sub'") } qw(ada bob);
foreach my $call (
	"authfort.login('ada\@example.com', 'correct horse')",
		"authfort.login('nobody\@example.com', 'x', 'test', '192.0.2.1')", "authfort.authenticate('$token{ada}')",
			"authfort.refresh('x')", "authfort.get_user('$id{ada}')",
	"authfort.list_users('ada', false, NULL, sort_by => 'name')", "authfort.get_user_count()",
		"authfort.update_user('$id{ada}', '{\"name\": \"Ada\"}')", "authfort.add_role('$id{ada}', 'editor', false)",
			"authfort.role_members()",
	"authfort.get_sessions('$id{ada}')", "authfort.revoke_sessions('$id{bob}', '$id{bob}')",
		"authfort.create_password_reset_token('ada\@example.com')",
			"authfort.change_password('$id{bob}', 'correct horse', 'battery staple')",
	"authfort.ban_user('$id{bob}')", "authfort.unban_user('$id{bob}')", 'authfort.prepare_key()',
		'authfort.rotate_key()', 'authfort.jwks()', 'authfort.cleanup()', 'authfort.take_messages()',
			'authfort.message_sent($$00000000-0000-7000-8000-000000000000$$)', 'authfort.routes()',
	"authfort.load_breached_passwords(ARRAY['0123456789012345678901234567890123456789'])", 'authfort.rate_limits()',
		"authfort.set_jwt('$token{ada}')")
{
	unlike(backend("SELECT $call") // '', qr/^[0-9A-Z]{5}: /, "$call");
}
is(backend("SET authfort.jwt = '$token{ada}'", 'SELECT authfort.uid()'), $id{ada}, 'the identity among the traps');
like(backend('SELECT authfort.current_user()'), qr/ada\@example\.com/, 'and the user');
$backend->disconnect;
is(super('SELECT authfort.setup_postgrest()'), '', 'setup_postgrest() among the traps');
like(super("SELECT authfort.$_()"), qr/authfort_rpc/, "$_() among the traps") foreach qw(nginx_maps nginx_locations);
is(attempt($super, 'SET ROLE anon', q{SET "request.headers" = '{}'}, 'SELECT authfort_api.jwks() IS NOT NULL'), 1,
	'a route for PostgREST');
is(attempt($super, 'SET ROLE anon', 'SELECT authfort_api.pre_request()'), '', 'its check');
super('ALTER DATABASE app RESET ALL');
super('DROP OWNED BY anon, authenticated, authenticator');

# A role that has nothing, but owns the database.
my $eve = session('eve');
my $key_file = $node->data_dir . '/authfort_master.key';
foreach my $statement (
	(map { ("SELECT * FROM authfort.$_", "COPY authfort.$_ TO STDOUT", "DELETE FROM authfort.$_",
		"TRUNCATE authfort.$_") } qw(users sessions signing_keys event_handlers outbox)),
	'SELECT authfort.uuid_v7()', 'SELECT authfort.cluster_id()',
	'CREATE RULE r AS ON INSERT TO authfort.users DO ALSO NOTHING',
		'CREATE RULE "_RETURN" AS ON SELECT TO authfort.users DO INSTEAD SELECT 1',
	'CREATE TRIGGER t AFTER INSERT ON authfort.users EXECUTE FUNCTION suppress_redundant_updates_trigger()',
		'ALTER TABLE authfort.signing_keys DISABLE TRIGGER ALL',
	'CREATE POLICY p ON authfort.users', 'ALTER TABLE authfort.users ENABLE ROW LEVEL SECURITY',
		'CREATE INDEX ON authfort.users (eve.lower(email))', 'ALTER TABLE authfort.users ADD COLUMN c text',
			'ALTER TABLE authfort.users OWNER TO eve',
	'CREATE TABLE eve.child () INHERITS (authfort.users)', 'CREATE TABLE eve.partition (LIKE authfort.users)',
		'CREATE TABLE eve.fk (id uuid REFERENCES authfort.users)',
			'CREATE STATISTICS eve.s ON id, email FROM authfort.users',
	'CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION eve.now()',
		'CREATE PUBLICATION p FOR TABLE authfort.users', 'CREATE PUBLICATION p FOR ALL TABLES',
			"SELECT pg_create_logical_replication_slot('eve', 'pgoutput')",
	'CREATE FUNCTION authfort.login(unknown_email name, unknown_password name) RETURNS jsonb LANGUAGE sql AS $$ SELECT NULL $$', 'CREATE OR REPLACE FUNCTION authfort.uid() RETURNS uuid LANGUAGE sql AS $$ SELECT NULL $$',
	'ALTER FUNCTION authfort.uid() RENAME TO uid2', 'ALTER FUNCTION authfort.http SET search_path = eve',
		'CREATE VIEW authfort.v AS SELECT 1',
			'CREATE TRIGGER t AFTER INSERT ON eve.users EXECUTE FUNCTION authfort_internal.publish_keys()',
	'GRANT SELECT ON authfort.users TO eve', 'GRANT EXECUTE ON FUNCTION authfort.http TO eve',
		'GRANT authfort_admin TO eve', 'SET ROLE authfort_admin', "SET SESSION AUTHORIZATION $super",
			"ALTER DEFAULT PRIVILEGES FOR ROLE $super GRANT ALL ON TABLES TO eve",
	'DROP EXTENSION authfort', 'ALTER EXTENSION authfort DROP FUNCTION authfort.uid()',
		'ALTER EXTENSION authfort ADD FUNCTION eve.now()', 'ALTER EXTENSION authfort UPDATE',
			'DROP TABLE authfort.users', 'DROP SCHEMA authfort CASCADE', 'ALTER SCHEMA authfort OWNER TO eve',
				'COMMENT ON TABLE authfort.users IS $$x$$',
	"SELECT pg_read_file('$key_file')", "SELECT lo_import('$key_file')", "COPY eve.users FROM '$key_file'",
		'SELECT * FROM pg_statistic', 'CREATE CAST (text AS uuid) WITHOUT FUNCTION',
			'CREATE OPERATOR CLASS eve.c DEFAULT FOR TYPE uuid USING btree AS STORAGE uuid',
	"ALTER ROLE eve SET authfort.trusted_authenticators = 'eve'", "ALTER DATABASE app SET authfort.admin_role = 'eve'",
		"ALTER SYSTEM SET authfort.jwt_issuer = 'eve'", "ALTER ROLE ALL SET authfort.allow_signup = off",
	'SELECT authfort.http($$GET$$, $$/auth/me$$)', 'SELECT authfort_api.jwks()',
		'SELECT authfort.on($$login$$, $$pg_catalog.jsonb_typeof(jsonb)$$)', 'SELECT authfort.verify_jwt($$x$$)',
			'SELECT authfort.setup_postgrest()', 'SELECT authfort_internal.search_grams($$x$$)',
				'CREATE AGGREGATE eve.a (integer) (SFUNC = authfort_internal.search_grams, STYPE = integer[])')
{
	my $outcome = attempt($eve, $statement) // 'done';
	my $refusal = $statement =~ /authfort_admin|REPLACE|AGGREGATE/ ? qr/^(42501|42883): /
		: $statement =~ /UPDATE|OWNER TO/ ? qr/^42501: .*(owner|permission)/ : qr/^42501: /;
	like($outcome, $refusal, "refused: $statement");
}
is(attempt($eve, "SELECT count(*) FROM pg_stats WHERE schemaname = 'authfort'"), 0,
	'pg_stats does not show values of authfort\'s tables');
super('ANALYZE authfort.users');
is(attempt($eve, "SELECT count(*) FROM pg_stats WHERE schemaname = 'authfort'"), 0, 'not when there are some');
{
	my $other = session('backend');
	$other->selectrow_array("SELECT authfort.refresh('planted-token')");
	is(attempt($eve, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%planted-token%' AND pid <> pg_backend_pid()"), 0, 'pg_stat_activity does not show what others ask');
}
$node->command_fails_like([ 'pg_dump', '--username', 'eve', $node->connstr('app') ],
	qr/permission denied for (table|sequence)/, 'pg_dump by a role that has nothing');

# Its settings: from the connection, before the library is loaded, it may write what it likes.
{
	my $db = session($super);
	$db->do('SELECT authfort.version()');
	my $names = $db->selectall_arrayref(<<'SQL', { Slice => {} });
SELECT name, setting, CASE vartype WHEN 'bool' THEN CASE setting WHEN 'on' THEN 'off' ELSE 'on' END WHEN 'enum' THEN (SELECT v FROM unnest(enumvals) v WHERE v <> setting LIMIT 1)
	WHEN 'string' THEN 'eve' ELSE CASE setting WHEN min_val THEN max_val ELSE min_val END END AS hostile FROM pg_settings WHERE name LIKE 'authfort.%'
SQL
	cmp_ok(scalar @$names, '>', 40, 'settings to try');
	my $hostile = session('eve', join ' ', map { "-c $_->{name}=$_->{hostile}" } @$names);
	$hostile->do('SELECT authfort.uid()');
	my %now = map { @$_ } @{ $hostile->selectall_arrayref(q{SELECT name, setting FROM pg_settings WHERE name LIKE 'authfort.%'}) };
	is(join(', ', map { $_->{name} } grep { exists $now{ $_->{name} }
		&& $now{ $_->{name} } eq $_->{hostile} } @$names), '', 'an option of the connection gives none its value');
}

# Whose identity it is: that of a token, or of claims where the session is trusted; never that of a cached earlier one.
super("ALTER ROLE backend SET authfort.trusted_authenticators = 'backend'");
{
	my $claims = qq({"sub":"$id{ada}"});
	my $db = session('backend');
	is(attempt($db, "SET request.jwt.claims = '$claims'", 'SELECT authfort.uid()'), $id{ada},
		'claims in a trusted session');
	my $trusting = session($super);
	$trusting->do($_) foreach q{SET authfort.trusted_authenticators = 'backend'}, "SET request.jwt.claims = '$claims'";
	is(attempt($trusting, 'SELECT authfort.uid()'), undef, 'the session of another role');
	is(attempt($trusting, 'SET ROLE backend', 'SELECT authfort.uid()'), undef, 'SET ROLE makes no trusted session');
	is(attempt($trusting, 'SET SESSION AUTHORIZATION backend', 'SELECT authfort.uid()'), $id{ada},
		'SET SESSION AUTHORIZATION does');
	is(attempt($trusting, 'SET SESSION AUTHORIZATION eve', 'SELECT authfort.uid()'), undef,
		'to another role it does not, though the identity was remembered');
	is(attempt($trusting, "SET authfort.jwt = '$token{bob}'", 'SELECT authfort.uid()'), $id{bob},
		'a token is good in any session');
	is(attempt($trusting, 'SET SESSION AUTHORIZATION DEFAULT', "SET authfort.jwt = 'x'", 'SELECT authfort.uid()'),
		undef, 'and gone with its setting');
	super('REVOKE CONNECT ON DATABASE app FROM PUBLIC', 'GRANT CONNECT ON DATABASE app TO eve, backend, mallory');
}
# an operator over our function is no call of it, and remembers no answer
attempt($eve, 'CREATE OPERATOR eve.~> (RIGHTARG = text[], FUNCTION = authfort.has_role)');
super("SELECT authfort.add_role('$id{ada}', 'editor')");
my $editor = super("SELECT authfort.login('ada\@example.com', 'correct horse')#>>'{tokens,access_token}'");
is(attempt($eve, "SET authfort.jwt = '$editor'",
	q{SELECT string_agg((OPERATOR(eve.~>) ARRAY[r])::text, ' ') FROM unnest(ARRAY['editor', 'admin', 'editor']) r}),
		'true false true', 'an operator of another role over has_role()');

# Handlers. Who may register which.
like(attempt($eve, q{SELECT authfort.on('login', 'eve.h(jsonb)')}), qr/^42/, 'on() needs authfort_admin');
super('GRANT authfort_admin TO eve');
super('CREATE FUNCTION public.supers(jsonb) RETURNS void LANGUAGE sql AS $$ $$');
like(attempt($eve, q{SELECT authfort.on('login', 'public.supers(jsonb)')}), qr/^42501: .*must be owner/,
	'a function of another role cannot be a handler');
like(attempt($eve, q{INSERT INTO authfort.event_handlers (event, handler, owner) VALUES ('login', 'public.supers(jsonb)', 'eve')}), qr/^42501/, 'nor by writing into the table');
attempt($eve, q{CREATE FUNCTION eve.trick() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT authfort.on('login', 'public.supers(jsonb)')::text $$});
like(super('SELECT eve.trick()'), qr/^42501: .*must be owner/,
	'nor when a superuser is led to a SECURITY DEFINER function that asks for it');
attempt($eve, qq{CREATE FUNCTION eve.peek() RETURNS text LANGUAGE sql SECURITY DEFINER AS \$\$ SELECT authfort.load_breached_passwords('$key_file')::text \$\$});
like(super('SELECT eve.peek()'), qr/^42501: .*read files/, 'nor are files of the server read for one who may not');
like(attempt($eve, 'CREATE FUNCTION pg_temp.h(jsonb) RETURNS void LANGUAGE sql AS $$ $$',
	q{SELECT authfort.on('login', 'pg_temp.h(jsonb)')}), qr/^42P13: .*is not temporary/s,
		'a temporary function cannot be a handler');
is(super('SELECT count(*) FROM authfort.event_handlers'), 0, 'none is registered');

# What a handler may do: nothing that outlives it, nothing as another role.
attempt($eve, $_) foreach 'CREATE TABLE eve.t (x integer UNIQUE DEFERRABLE INITIALLY DEFERRED)',
	'CREATE TABLE eve.log (at serial, who text)',
	q{CREATE FUNCTION eve.note_user() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO eve.log (who) VALUES (current_user); RETURN NULL; END $$},
	'CREATE CONSTRAINT TRIGGER t AFTER INSERT ON eve.t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION eve.note_user()';
my $restricted = qr/^42501: .*security-restricted operation/;
my $number = 0;
foreach my $case (
	[ 'a deferred trigger', 'INSERT INTO eve.t VALUES (1)', $restricted ],
	[ 'a cursor WITH HOLD', q{EXECUTE 'DECLARE c CURSOR WITH HOLD FOR SELECT eve.now()'}, $restricted ],
	[ 'a temporary table', 'CREATE TEMP TABLE pg_class (x text)', $restricted ],
	[ 'a temporary type', 'CREATE DOMAIN pg_temp.uuid AS pg_catalog.text', $restricted ],
	[ 'a prepared statement', q{EXECUTE 'PREPARE p AS SELECT 1'}, $restricted ],
	[ 'LISTEN', 'LISTEN x', $restricted ],
	[ 'another role', "SET ROLE $super", qr/^42501: .*cannot set parameter "role"/ ],
	[ 'another role for a while', "PERFORM set_config('role', 'none', true)",
		qr/^42501: .*cannot set parameter "role"/ ],
	[ 'another session user', "SET SESSION AUTHORIZATION $super",
		qr/^42501: .*cannot set parameter "session_authorization"/ ],
	[ 'our tables', 'DELETE FROM authfort.users', qr/^42501: .*permission denied/ ],
	[ 'our settings', q{SET authfort.jwt_issuer = 'eve'}, qr/^42501: .*permission denied to set/ ],
	[ 'the end of the transaction', 'COMMIT', qr/^2D000/ ],
	[ 'an exception', q{RAISE 'no'}, qr/^P0001: .*no.*handler eve\.h\(pg_catalog\.jsonb\) of authfort event/s ])
{
	my ($what, $statement, $refusal) = @$case;
	attempt($eve, "CREATE OR REPLACE FUNCTION eve.h(event jsonb) RETURNS void LANGUAGE plpgsql SECURITY INVOKER AS \$\$ BEGIN $statement; END \$\$");
	attempt($eve, q{SELECT authfort.on('user_created', 'eve.h(jsonb)')});
	like(super("SELECT authfort.create_user('h@{[ $number++ ]}\@example.com')"), $refusal,
		"a handler that tries $what");
}
is(attempt($eve, 'SELECT count(*) FROM eve.log'), 0, 'none of it ran as somebody else');
attempt($eve, qq{CREATE OR REPLACE FUNCTION eve.h(event jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS \$\$
	BEGIN
		INSERT INTO eve.log (who) VALUES (current_user);
		SET search_path = eve, pg_catalog; PERFORM set_config('authfort.jwt', '$token{bob}', false); SET row_security = off; SET LOCAL statement_timeout = '1ms'; SET bytea_output = 'escape';
		PERFORM set_config('response.status', '200', false); PERFORM set_config('request.jwt.claims', '{}', false);
	END \$\$});
{
	my $db = session($super);
	my $state = q{SELECT concat_ws(' ', current_user, session_user, current_setting('search_path'), authfort.uid(), current_setting('row_security'), current_setting('statement_timeout'), current_setting('bytea_output'), nullif(current_setting('response.status', true), ''), nullif(current_setting('request.jwt.claims', true), ''))};
	$db->do("SET authfort.jwt = '$token{ada}'");
	my $before = attempt($db, $state);
	like($before, qr/$id{ada}/, 'who asks');
	like(attempt($db, "SELECT authfort.create_user('settings\@example.com')"), qr/settings/,
		'a handler that changes settings');
	is(attempt($db, $state), $before, 'and what it changed goes back when it ends');
	is(attempt($eve, 'SELECT string_agg(who, $$ $$) FROM eve.log'), 'eve', 'it ran as its owner');
}
# replaced by another role: the owner of the schema may drop it, and other roles may create one there
super('GRANT CREATE ON SCHEMA eve TO mallory');
attempt($eve, 'DROP FUNCTION eve.h(jsonb)');
like(super(q{SELECT authfort.create_user('gone@example.com')}),
	qr/^42883: .*event handler eve\.h\(pg_catalog\.jsonb\) does not exist/, 'a handler that is gone');
attempt('mallory', 'CREATE FUNCTION eve.h(event jsonb) RETURNS void LANGUAGE sql AS $$ $$');
like(super(q{SELECT authfort.create_user('replaced@example.com')}),
	qr/^42501: .*is not the function that was registered.*belongs to role "mallory", and role "eve" registered/s,
		'a function that another role put in its place is not called');
super('ALTER FUNCTION eve.h(jsonb) OWNER TO CURRENT_USER');
like(super(q{SELECT authfort.create_user('supers@example.com')}),
	qr/^42501: .*is not the function that was registered.*belongs to role "\Q$super\E"/s,
		q{nor one that has become a superuser's});
super('ALTER FUNCTION eve.h(jsonb) OWNER TO mallory', 'GRANT authfort_admin, authfort_courier TO mallory');
is(attempt('mallory', q{SELECT authfort.on('user_created', 'eve.h(jsonb)')}), '',
	'or when it is registered again, by its owner');
like(super(q{SELECT authfort.create_user('again@example.com')}), qr/again/, 'then it is called');
attempt('mallory', q{SELECT authfort.off('user_created', 'eve.h(jsonb)')});
is(super('SELECT count(*) FROM authfort.event_handlers'), 0, 'off() ends it');

# Another role's table that refers to users: its triggers run without privileges when a user is deleted.
super('GRANT REFERENCES (id) ON authfort.users TO eve');
attempt($eve, $_) foreach 'TRUNCATE eve.log',
	'CREATE TABLE eve.note (owner pg_catalog.uuid REFERENCES authfort.users (id) ON DELETE CASCADE)',
		'GRANT INSERT ON eve.log TO PUBLIC', 'GRANT USAGE ON SEQUENCE eve.log_at_seq TO PUBLIC',
	q{CREATE FUNCTION eve.note_and_set() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO eve.log (who) VALUES (TG_WHEN || ' ' || current_user); SET search_path = eve; RETURN OLD; END $$},
	'CREATE TRIGGER b BEFORE DELETE ON eve.note FOR EACH ROW EXECUTE FUNCTION eve.note_and_set()',
		'CREATE TRIGGER a AFTER DELETE ON eve.note FOR EACH ROW EXECUTE FUNCTION eve.note_and_set()';
is(attempt($eve, "INSERT INTO eve.note VALUES ('$id{bob}')"), undef, 'a table that refers to users');
{
	my $db = session('backend');
	is(attempt($db, "SELECT authfort.delete_user('$id{bob}', true)"), '', 'a user with such rows is deleted');
	is(attempt($db, 'SHOW search_path'), '"$user", public', 'a setting that its trigger changed goes back');
}
like(attempt($eve, q{SELECT string_agg(who, ', ' ORDER BY at) FROM eve.log}),
	qr/^BEFORE eve, AFTER (authfort_http|eve)$/, 'its triggers ran as their owner, or as authfort_http');
is(super("SELECT count(*) FROM authfort.users WHERE id = '$id{bob}'"), 0, 'the user is gone');
is(super('SELECT count(*) FROM eve.note'), 0, 'and the rows');
attempt($eve, $_) foreach 'CREATE FUNCTION eve.later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO eve.log (who) VALUES (current_user); RETURN NULL; END $$',
	'CREATE CONSTRAINT TRIGGER c AFTER DELETE ON eve.note DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION eve.later()', 'TRUNCATE eve.log', "INSERT INTO eve.note VALUES ('$id{ada}')";
like(attempt('backend', "SELECT authfort.delete_user('$id{ada}', true)"), $restricted,
	'a trigger that would wait for the end of the transaction keeps the user');
is(super('SELECT count(*) FROM eve.log'), 0, 'and runs as nobody');
is(attempt('backend', 'BEGIN', 'SET CONSTRAINTS ALL IMMEDIATE', "SELECT authfort.delete_user('$id{ada}', true)"), '',
	'if it does not wait it does not');
attempt($eve, 'DROP TABLE eve.note');
# likewise where the clean-up deletes sessions, by a worker that is a superuser or by hand
super('CREATE TABLE eve.cart (session pg_catalog.uuid REFERENCES authfort.sessions ON DELETE CASCADE)',
	'INSERT INTO eve.cart SELECT id FROM authfort.sessions LIMIT 1',
		'UPDATE authfort.sessions SET revoked_at = pg_catalog.now()', 'ALTER TABLE eve.cart OWNER TO eve');
attempt($eve, 'CREATE TRIGGER a AFTER DELETE ON eve.cart FOR EACH ROW EXECUTE FUNCTION eve.note_and_set()');
like(super('SELECT authfort.cleanup_expired_sessions()'), qr/^[1-9]/, 'sessions are cleaned up');
like(attempt($eve, 'SELECT string_agg(who, $$, $$) FROM eve.log'), qr/^AFTER (authfort_http|eve)$/,
	'and a trigger behind them runs as its owner, or as authfort_http');
attempt($eve, 'DROP TABLE eve.cart');

# Arguments that are not what the function expects.
my $huge = "repeat('x', 20000000)";
foreach my $case (
	[ q{authfort.has_role(VARIADIC '{{a,b},{c,NULL}}')}, qr/^22004/ ],
	[ q{authfort.has_role(VARIADIC '{{a,b},{editor,c}}')}, qr/^1$/ ],
	[ q{authfort.has_role(VARIADIC '[5:6]={a,b}'::text[])}, qr/^0$/ ],
	[ q{authfort.has_role(VARIADIC '{}')}, qr/^0$/ ],
	[ "authfort.has_role($huge)", qr/^0$/ ],
	[ "authfort.set_jwt($huge)", qr/^28000/ ],
	[ "authfort.set_jwt('')", qr/^28000/ ],
	[ "authfort.try_verify_jwt($huge) IS NULL", qr/^1$/ ],
	[ "authfort.try_verify_jwt(repeat('.', 1000000)) IS NULL", qr/^1$/ ],
	[ "authfort.refresh($huge)", qr/refresh_token_invalid/ ],
	[ "authfort.login($huge, $huge)", qr/invalid_credentials/ ],
	[ "authfort.signup($huge, 'correct horse')", qr/invalid_email/ ],
	[ "authfort.signup('big\@example.com', $huge)", qr/password_too_long/ ],
	[ "authfort.signup('big\@example.com', 'correct horse', $huge)", qr/invalid_name/ ],
	[ "authfort.add_role('$id{ada}', $huge)", qr/^22023/ ],
	[ "authfort.get_user('nonsense')", qr/^22P02/ ],
	[ "authfort.get_user('00000000-0000-0000-0000-000000000000')", qr/^42704/ ],
	(map { [ "authfort.update_user('$id{ada}', '$_')", qr/^22023/ ] } '1', 'null', '"name"', '[]', '[{"name": "x"}]',
		'{}', '{"name": {"a": 1}}', '{"email": ["x@example.com"]}', '{"banned": true}', '{"id": "x"}'),
	[ "authfort.list_users(limit_ => -1)", qr/^22/ ],
	[ "authfort.list_users(offset_ => 2147483647)", qr/"users": \[\]/ ],
	[ "authfort.list_users(query => $huge)", qr/"users": \[\]/ ],
	[ q{authfort.create_user('roles@example.com', roles => '{{a,b},{c,d}}')}, qr/"roles": \["a", "b", "c", "d"\]/ ],
	[ q{authfort.create_user('null@example.com', roles => '{a,NULL}')}, qr/^22004/ ],
	[ q{authfort.login('ada@example.com', 'wrong', ip_address => '0.0.0.0/0')}, qr/invalid_credentials/ ],
	[ q{authfort.login('ada@example.com', 'wrong', ip_address => '::/0')}, qr/invalid_credentials/ ],
	[ q{authfort.load_breached_passwords('{{x}}'::text[])}, qr/^22P02/ ],
	[ 'authfort.take_messages(2147483647)', qr/^22023/ ],
	[ q{authfort.on('login', '-')}, qr/^42883/ ])
{
	my ($call, $expected) = @$case;
	like(attempt('mallory', "SET authfort.jwt = '$editor'", "SELECT $call") // 'NULL', $expected, length $call > 100
		? substr($call, 0, 100) : $call);
}
super('CREATE ROLE gateway LOGIN IN ROLE authfort_http; GRANT CONNECT ON DATABASE app TO gateway');
my $gateway = session('gateway');
foreach my $headers (split ' ', 'null 1 "x" true [] {} [1] [[]] ["a"] [null] {"a":1} {"a":{}} {"content-type":null} {"content-type":["application/json"]} [{"authorization":{}}] {"cookie":[[]]} {"authorization":"Bearer"} [{"a":"b","c":1}]')
{
	like(attempt($gateway, "SELECT status FROM authfort.http('POST', '/auth/login', headers => '$headers', body => '{}')"), qr/^(415|422|22023: .*)/, "headers that are $headers");
}
foreach my $body ((split ' ', 'null 1 "x" [] {} {"email":null,"password":1} {"email":[],"password":{}} {"email":"a@example.com","password":"\u0000"} {"email":1e400,"password":-0} {'), '', '[' x 100000)
{
	like(attempt($gateway, "SELECT status FROM authfort.http('POST', '/auth/login', headers => '{\"content-type\": \"application/json\"}', body => '$body')"), qr/^4(00|13|22)$/, 'a body that is ' . substr $body, 0, 60);
}
is(super("UPDATE authfort.users SET created_at = 'infinity' WHERE id = '$id{ada}'",
	"SELECT authfort.get_user('$id{ada}') IS NOT NULL AND authfort.list_users() IS NOT NULL AND authfort.create_user('now\@example.com') IS NOT NULL"), 1, 'a time without end');

# Each statement in C names everything by its schema. What is left of one without its
# literals, OPERATOR() and parameters has no operator, and no function, type or table bare.
my %statements;
foreach my $file (glob 'src/*.c src/*.h src/*/*.c src/*/*.h')
{
	my $text = slurp_file($file) =~ s{/\*.*?\*/}{}grs;
	$text =~ s/"\s*(?:[A-Z_]+(?:\("[^"]*"\))?\s*)?"//g;    # C joins them; macros between them are lists of columns
	$statements{"$file: $_"} = $_ foreach $text =~ /"((?:SELECT|INSERT|UPDATE|DELETE|WITH) (?:[^"\\]|\\.)*)"/g;
}
cmp_ok(scalar keys %statements, '>', 40, 'statements in C');
my @bare;
foreach my $where (sort keys %statements)
{
	my $sql = $statements{$where} =~ s/'[^']*'/''/gr =~ s/OPERATOR\(pg_catalog\.[^)]+\)/OPERATOR/gr =~ s/\$\d+/P/gr;
	my $rest = $sql =~ s/\bcount\(\*\)|\bSELECT \*|%s$//gr =~ s/(\bSET|,) \w+ = /$1 /gr;
	push @bare, "operator in $where" if $rest =~ m{[-=<>+*/|@~!#%^&]}
		|| $rest =~ /\b(IN|BETWEEN|LIKE|DISTINCT FROM|NULLIF|SIMILAR)\b(?! \()/ || $rest =~ /\b(IN|NULLIF) ?\(/;
	push @bare, "$1 in $where" while $sql =~ /(?<![.\w])(\w+)\(/g
		&& $1 !~ /^(ANY|ALL|ARRAY|EXISTS|COALESCE|VALUES|GREATEST|AND|OR|NOT|FROM|SELECT|IN|P|OPERATOR|CASE|WHEN|CONFLICT)$/;
	push @bare, "type in $where" if $sql =~ /::(?!pg_catalog\.)/;
	push @bare, "$1 in $where" while ($sql =~ s/^WITH (\w+) (.*)FROM \1\b/$2/r) =~ /(?<!DISTINCT )\b(?:FROM|INTO|JOIN|(?<!DO )(?<!FOR )UPDATE) (\w+)\b(?!\.)/g;
}
is(join("\n", @bare), '', 'and none names anything bare');

$eve->disconnect;
$gateway->disconnect;

# Preloaded, the settings of the server are those of every session, whatever its options.
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'authfort'\nauthfort.allow_signup = off");
$node->restart;
{
	my ($code, $out, $err) = $node->psql('app', 'SELECT authfort.uid(); SHOW authfort.allow_signup',
		connstr => $node->connstr('app') . " user=eve options='-c authfort.allow_signup=on'");
	like($err, qr/permission denied to set parameter "authfort.allow_signup"/,
		'preloaded, an option of the connection that is not for its role is refused');
}
$node->stop;
done_testing();
