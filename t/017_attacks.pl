# Attacks of a hostile role, before the extension is created and after, with schemas,
# objects, privileges and settings.  The library is not preloaded, so that no defence
# here depends on that.
use strict;
use warnings FATAL => 'all';

use Attempts qw(attempt attempt_on session super superuser);
use AuthfortNode qw(create_database start_node);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('main', database => undef);
create_database($node, 'app', <<'SQL');
CREATE ROLE eve LOGIN;
CREATE ROLE mallory LOGIN;
CREATE ROLE backend LOGIN;
SQL
$node->safe_psql('app', 'CREATE SCHEMA eve AUTHORIZATION eve; GRANT USAGE ON SCHEMA eve TO PUBLIC; GRANT CREATE '
	. 'ON SCHEMA public TO PUBLIC; ALTER DATABASE app OWNER TO eve');

attempt_on($node);
my $super = superuser();

# Before the extension is created.

foreach my $schema (qw(authfort authfort_api authfort_internal))
{
	attempt('eve', "CREATE SCHEMA $schema");
	like(super('CREATE EXTENSION authfort'), qr/^42P06: .*schema "$schema" already exists/,
		"a schema $schema of another role is refused");
	attempt('eve', "DROP SCHEMA $schema");
	is(super("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'authfort%'"), 0,
		"the refused extension leaves nothing after a schema $schema");
}

super('CREATE ROLE authfort_http SUPERUSER');
like(super('CREATE EXTENSION authfort'),
	qr/^55000: .*role "authfort_http" already exists and has attributes that authfort does not allow.*It has SUPERUSER/s,
		'an existing role with more privileges is refused');
super('ALTER ROLE authfort_http NOSUPERUSER');
super('CREATE ROLE authfort_admin LOGIN');
super('GRANT authfort_admin TO eve');

# Functions, operators and types that precede PostgreSQL's own, or match better.
my $caught = 'RAISE EXCEPTION $m$caught, as %%$m$, current_user';  # for format()
is(attempt('eve', <<"SQL"), undef, 'eve creates functions, operators and types as traps');
DO \$make\$
DECLARE
	signature text;
	operator text;
BEGIN
	FOREACH signature IN ARRAY ARRAY['format(text, text)', 'format(text, text, text)', 'format(text, name)',
		'format(text, VARIADIC text[])', 'now()', 'lower(text)', 'btrim(text)', 'length(bytea)', 'length(text)',
		'concat(text, uuid, text)', 'nextval(text)', 'current_setting(text)', 'current_database()',
			'pg_notify(text, text)', 'quote_ident(name)', 'jsonb_build_object(text, uuid)', 'count(text)',
			'unnest(bigint[])', 'host(inet)', 'network(inet)',
		'starts_with(text, text)', 'to_regprocedure(text)', 'pg_extension_config_dump(text, text)',
			'regexp_replace(text, text, text, text)', 'gen_random_uuid()', 'aclexplode(aclitem[])',
			'concat_ws(text, text, text)'] LOOP
		EXECUTE pg_catalog.format('CREATE FUNCTION eve.%s RETURNS text LANGUAGE plpgsql
			AS \$f\$ BEGIN $caught; END \$f\$', signature);
		EXECUTE pg_catalog.format('CREATE FUNCTION public.%s RETURNS text LANGUAGE plpgsql
			AS \$f\$ BEGIN $caught; END \$f\$', signature);
	END LOOP;
	FOREACH signature IN ARRAY ARRAY['text', 'name', 'uuid', 'inet', 'bigint', 'integer', 'boolean', 'timestamptz',
		'bytea', 'jsonb', 'oid', '"char"', 'tid'] LOOP
		EXECUTE pg_catalog.format('CREATE FUNCTION eve.trap(%s, %s) RETURNS boolean LANGUAGE plpgsql
			AS \$f\$ BEGIN $caught; END \$f\$', signature, signature);
		FOREACH operator IN ARRAY ARRAY['=', '<>', '<', '>', '<=', '>=', '\@>', '<<=', '||', '+', '-'] LOOP
			EXECUTE pg_catalog.format('CREATE OPERATOR eve.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = eve.trap)',
				operator, signature, signature);
		END LOOP;
	END LOOP;
	FOREACH signature IN ARRAY ARRAY['uuid', 'inet', 'text', 'jsonb', 'regclass', 'regrole', 'regprocedure', 'name',
		'bytea'] LOOP
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

# Default privileges, for eve and for PUBLIC, on every kind of object.
foreach my $what (qw(TABLES SEQUENCES FUNCTIONS TYPES SCHEMAS))
{
	super("SET search_path = pg_catalog", "ALTER DEFAULT PRIVILEGES GRANT ALL ON $what TO eve WITH GRANT OPTION");
	super("SET search_path = pg_catalog", "ALTER DEFAULT PRIVILEGES GRANT ALL ON $what TO PUBLIC");
}

{
	my ($code, $out, $err) = $node->psql('app', 'CREATE EXTENSION authfort');
	is($code, 0, 'the extension is made among the traps') or diag $err;
	like($err, qr/^.*WARNING:  role "authfort_admin" already exists.*\n.*It can log in. Its members are: eve\.$/m,
		'the members of an existing role are reported');
}
super('SET search_path = pg_catalog', 'REVOKE authfort_admin FROM eve');
super('SET search_path = pg_catalog', 'ALTER ROLE authfort_admin NOLOGIN');
super('SET search_path = pg_catalog', 'GRANT authfort_admin, authfort_courier TO backend');
is(super('SET search_path = pg_catalog', <<'SQL'), undef,
SELECT string_agg(pg_describe_object(classid, objid, 0), ', ') FROM pg_depend d LEFT JOIN pg_class c ON c.oid = objid
	AND classid = 'pg_class'::regclass
	LEFT JOIN pg_proc p ON p.oid = objid AND classid = 'pg_proc'::regclass LEFT JOIN pg_namespace n ON n.oid = objid
		AND classid = 'pg_namespace'::regclass,
	aclexplode(coalesce(relacl, proacl, nspacl)) a
	WHERE refobjid = (SELECT oid FROM pg_extension WHERE extname = 'authfort') AND deptype = 'e' AND
	(a.grantee = 'eve'::regrole OR a.grantee = 0 AND (relacl IS NOT NULL OR a.privilege_type = 'CREATE'))
SQL
	'default privileges give no access to objects of the extension');
is(super('SET search_path = pg_catalog', q{SELECT count(*) FROM pg_proc }
	. q{WHERE pronamespace = 'authfort'::regnamespace AND has_function_privilege('eve', oid, 'EXECUTE')}), 14,
		'eve may call the functions that PUBLIC may call, and no others');

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
	$token{$name} = backend("SELECT (authfort.signup('$name\@example.com', 'correct horse') OPERATOR(pg_catalog.->) "
		. "'tokens') OPERATOR(pg_catalog.->>) 'access_token'");
	like($token{$name}, qr/^ey/, "sign-up of $name succeeds among the traps");
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
	unlike(backend("SELECT $call") // '', qr/^[0-9A-Z]{5}: /, "$call succeeds among the traps");
}
is(backend("SET authfort.jwt = '$token{ada}'", 'SELECT authfort.uid()'), $id{ada},
	'uid() gives the identity among the traps');
like(backend('SELECT authfort.current_user()'), qr/ada\@example\.com/, 'current_user() gives the user among the traps');
$backend->disconnect;
is(super('SELECT authfort.setup_postgrest()'), '', 'setup_postgrest() succeeds among the traps');
like(super("SELECT authfort.$_()"), qr/authfort_rpc/, "$_() succeeds among the traps")
	foreach qw(nginx_maps nginx_locations);
is(attempt($super, 'SET ROLE anon', q{SET "request.headers" = '{}'}, 'SELECT authfort_api.jwks() IS NOT NULL'), 1,
	'a route for PostgREST succeeds among the traps');
is(attempt($super, 'SET ROLE anon', 'SELECT authfort_api.pre_request()'), '', 'pre_request() succeeds among the traps');
super('ALTER DATABASE app RESET ALL');
super('DROP OWNED BY anon, authenticated, authenticator');

# A role without privileges that owns the database.
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
	'CREATE FUNCTION authfort.login(unknown_email name, unknown_password name) RETURNS jsonb LANGUAGE sql AS $$ '
		. 'SELECT NULL $$', 'CREATE OR REPLACE FUNCTION authfort.uid() RETURNS uuid LANGUAGE sql AS $$ SELECT NULL $$',
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
	"pg_stats shows no values of authfort's tables before ANALYZE");
super('ANALYZE authfort.users');
is(attempt($eve, "SELECT count(*) FROM pg_stats WHERE schemaname = 'authfort'"), 0,
	"pg_stats shows no values of authfort's tables after ANALYZE");
{
	my $other = session('backend');
	$other->selectrow_array("SELECT authfort.refresh('planted-token')");
	is(attempt($eve, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%planted-token%' "
		. "AND pid <> pg_backend_pid()"), 0, 'pg_stat_activity hides the queries of other roles');
}
$node->command_fails_like([ 'pg_dump', '--username', 'eve', $node->connstr('app') ],
	qr/permission denied for (table|sequence)/, 'pg_dump by a role without privileges fails');

# Settings: before the library is loaded, an option of the connection may set any name to any value.
{
	my $db = session($super);
	$db->do('SELECT authfort.version()');
	my $names = $db->selectall_arrayref(<<'SQL', { Slice => {} });
SELECT name, setting, CASE vartype WHEN 'bool' THEN CASE setting WHEN 'on' THEN 'off' ELSE 'on' END WHEN 'enum'
	THEN (SELECT v FROM unnest(enumvals) v WHERE v <> setting LIMIT 1)
	WHEN 'string' THEN 'eve' ELSE CASE setting WHEN min_val THEN max_val ELSE min_val END END AS hostile
		FROM pg_settings WHERE name LIKE 'authfort.%'
SQL
	cmp_ok(scalar @$names, '>', 40, 'there are settings to try');
	my $hostile = session('eve', join ' ', map { "-c $_->{name}=$_->{hostile}" } @$names);
	$hostile->do('SELECT authfort.uid()');
	my %now = map { @$_ } @{ $hostile->selectall_arrayref(q{SELECT name, setting FROM pg_settings }
		. q{WHERE name LIKE 'authfort.%'}) };
	is(join(', ', map { $_->{name} } grep { exists $now{ $_->{name} }
		&& $now{ $_->{name} } eq $_->{hostile} } @$names), '',
			'an option of the connection sets no setting of authfort');
}

# The identity: that of a token, or of claims in a trusted session; never that of a cached earlier one.
super("ALTER ROLE backend SET authfort.trusted_authenticators = 'backend'");
{
	my $claims = qq({"sub":"$id{ada}"});
	my $db = session('backend');
	is(attempt($db, "SET request.jwt.claims = '$claims'", 'SELECT authfort.uid()'), $id{ada},
		'claims give the identity in a trusted session');
	my $trusting = session($super);
	$trusting->do($_) foreach q{SET authfort.trusted_authenticators = 'backend'}, "SET request.jwt.claims = '$claims'";
	is(attempt($trusting, 'SELECT authfort.uid()'), undef, 'claims in a session of another role give no identity');
	is(attempt($trusting, 'SET ROLE backend', 'SELECT authfort.uid()'), undef,
		'SET ROLE does not make a session trusted');
	is(attempt($trusting, 'SET SESSION AUTHORIZATION backend', 'SELECT authfort.uid()'), $id{ada},
		'SET SESSION AUTHORIZATION to a trusted role makes a session trusted');
	is(attempt($trusting, 'SET SESSION AUTHORIZATION eve', 'SELECT authfort.uid()'), undef,
		'SET SESSION AUTHORIZATION to another role ends the identity');
	is(attempt($trusting, "SET authfort.jwt = '$token{bob}'", 'SELECT authfort.uid()'), $id{bob},
		'a token gives the identity in any session');
	is(attempt($trusting, 'SET SESSION AUTHORIZATION DEFAULT', "SET authfort.jwt = 'x'", 'SELECT authfort.uid()'),
		undef, 'an invalid token ends the identity');
	super('REVOKE CONNECT ON DATABASE app FROM PUBLIC', 'GRANT CONNECT ON DATABASE app TO eve, backend, mallory');
}
# an operator over a function of authfort is not a call of it, and caches no result
attempt($eve, 'CREATE OPERATOR eve.~> (RIGHTARG = text[], FUNCTION = authfort.has_role)');
super("SELECT authfort.add_role('$id{ada}', 'editor')");
my $editor = super("SELECT authfort.login('ada\@example.com', 'correct horse')#>>'{tokens,access_token}'");
is(attempt($eve, "SET authfort.jwt = '$editor'",
	q{SELECT string_agg((OPERATOR(eve.~>) ARRAY[r])::text, ' ') FROM unnest(ARRAY['editor', 'admin', 'editor']) r}),
		'true false true', 'an operator of eve over has_role() evaluates each argument');
$eve->disconnect;

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
