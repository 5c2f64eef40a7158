# Attacks of roles that own a handler of an event, or a table that refers to users.
# The library is not preloaded, so that no defence here depends on that.
use strict;
use warnings FATAL => 'all';

use Attempts qw(attempt attempt_on session super superuser);
use AuthfortNode qw(start_node);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('main', sql => <<'SQL');
CREATE ROLE eve LOGIN;
CREATE ROLE mallory LOGIN;
CREATE ROLE backend LOGIN;
CREATE SCHEMA eve AUTHORIZATION eve;
GRANT USAGE ON SCHEMA eve TO PUBLIC;
GRANT authfort_admin, authfort_courier TO backend;
SQL
attempt_on($node);
my $super = superuser();
my %token = map { $_ => super(
	"SELECT authfort.signup('$_\@example.com', 'correct horse') #>> '{tokens,access_token}'") } qw(ada bob);
my %id = map { $_ => super("SELECT authfort.verify_jwt('$token{$_}') ->> 'sub'") } qw(ada bob);
my $eve = session('eve');
attempt($eve, 'CREATE FUNCTION eve.now() RETURNS text LANGUAGE sql AS $$ SELECT current_user::text $$');
my $key_file = $node->data_dir . '/authfort_master.key';

# Which role may register which function.
like(attempt($eve, q{SELECT authfort.on('login', 'eve.h(jsonb)')}), qr/^42/, 'on() needs authfort_admin');
super('GRANT authfort_admin TO eve');
super('CREATE FUNCTION public.supers(jsonb) RETURNS void LANGUAGE sql AS $$ $$');
like(attempt($eve, q{SELECT authfort.on('login', 'public.supers(jsonb)')}), qr/^42501: .*must be owner/,
	'a function of another role is refused as a handler');
like(attempt($eve, q{INSERT INTO authfort.event_handlers (event, handler, owner) }
	. q{VALUES ('login', 'public.supers(jsonb)', 'eve')}), qr/^42501/, 'eve cannot insert a handler into the table');
attempt($eve, q{CREATE FUNCTION eve.trick() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ }
	. q{SELECT authfort.on('login', 'public.supers(jsonb)')::text $$});
like(super('SELECT eve.trick()'), qr/^42501: .*must be owner/,
	'on() in a SECURITY DEFINER function checks the role of the function');
attempt($eve, qq{CREATE FUNCTION eve.peek() RETURNS text LANGUAGE sql SECURITY DEFINER AS \$\$ }
	. qq{SELECT authfort.load_breached_passwords('$key_file')::text \$\$});
like(super('SELECT eve.peek()'), qr/^42501: .*read files/,
	'load_breached_passwords() checks the role of a SECURITY DEFINER function');
like(attempt($eve, 'CREATE FUNCTION pg_temp.h(jsonb) RETURNS void LANGUAGE sql AS $$ $$',
	q{SELECT authfort.on('login', 'pg_temp.h(jsonb)')}), qr/^42P13: .*is not temporary/s,
		'a temporary function is refused as a handler');
is(super('SELECT count(*) FROM authfort.event_handlers'), 0, 'no refused handler is registered');

# A handler leaves nothing in the session, and does nothing as another role.
attempt($eve, $_) foreach 'CREATE TABLE eve.t (x integer UNIQUE DEFERRABLE INITIALLY DEFERRED)',
	'CREATE TABLE eve.log (at serial, who text)',
	q{CREATE FUNCTION eve.note_user() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO eve.log (who) }
		. q{VALUES (current_user); RETURN NULL; END $$},
	'CREATE CONSTRAINT TRIGGER t AFTER INSERT ON eve.t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW '
		. 'EXECUTE FUNCTION eve.note_user()';
my $restricted = qr/^42501: .*security-restricted operation/;
my $number = 0;
foreach my $case (
	[ 'a deferred trigger', 'INSERT INTO eve.t VALUES (1)', $restricted ],
	[ 'a cursor WITH HOLD', q{EXECUTE 'DECLARE c CURSOR WITH HOLD FOR SELECT eve.now()'}, $restricted ],
	[ 'a temporary table', 'CREATE TEMP TABLE pg_class (x text)', $restricted ],
	[ 'a temporary type', 'CREATE DOMAIN pg_temp.uuid AS pg_catalog.text', $restricted ],
	[ 'a prepared statement', q{EXECUTE 'PREPARE p AS SELECT 1'}, $restricted ],
	[ 'LISTEN', 'LISTEN x', $restricted ],
	[ 'to change the role', "SET ROLE $super", qr/^42501: .*cannot set parameter "role"/ ],
	[ 'to change the role in the transaction', "PERFORM set_config('role', 'none', true)",
		qr/^42501: .*cannot set parameter "role"/ ],
	[ 'to change the session user', "SET SESSION AUTHORIZATION $super",
		qr/^42501: .*cannot set parameter "session_authorization"/ ],
	[ q{to delete rows of authfort}, 'DELETE FROM authfort.users', qr/^42501: .*permission denied/ ],
	[ 'to change a setting of authfort', q{SET authfort.jwt_issuer = 'eve'}, qr/^42501: .*permission denied to set/ ],
	[ 'to end the transaction', 'COMMIT', qr/^2D000/ ],
	[ 'to raise an exception', q{RAISE 'no'},
		qr/^P0001: .*no.*handler eve\.h\(pg_catalog\.jsonb\) of authfort event/s ])
{
	my ($what, $statement, $refusal) = @$case;
	attempt($eve, "CREATE OR REPLACE FUNCTION eve.h(event jsonb) RETURNS void "
		. "LANGUAGE plpgsql SECURITY INVOKER AS \$\$ BEGIN $statement; END \$\$");
	attempt($eve, q{SELECT authfort.on('user_created', 'eve.h(jsonb)')});
	like(super("SELECT authfort.create_user('h@{[ $number++ ]}\@example.com')"), $refusal,
		"a call fails if its handler tries $what");
}
is(attempt($eve, 'SELECT count(*) FROM eve.log'), 0, 'no deferred code of a handler ran');
attempt($eve, qq{CREATE OR REPLACE FUNCTION eve.h(event jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS \$\$
	BEGIN
		INSERT INTO eve.log (who) VALUES (current_user);
		SET search_path = eve, pg_catalog; PERFORM set_config('authfort.jwt', '$token{bob}', false); SET row_security =
			off; SET LOCAL statement_timeout = '1ms'; SET bytea_output = 'escape';
		PERFORM set_config('response.status', '200', false); PERFORM set_config('request.jwt.claims', '{}', false);
	END \$\$});
{
	my $db = session($super);
	my $state = q{SELECT concat_ws(' ', current_user, session_user, current_setting('search_path'), authfort.uid(), }
		. q{current_setting('row_security'), current_setting('statement_timeout'), current_setting('bytea_output'), }
		. q{nullif(current_setting('response.status', true), ''), nullif(current_setting('request.jwt.claims', }
		. q{true), ''))};
	$db->do("SET authfort.jwt = '$token{ada}'");
	my $before = attempt($db, $state);
	like($before, qr/$id{ada}/, 'a session has an identity before a handler runs');
	like(attempt($db, "SELECT authfort.create_user('settings\@example.com')"), qr/settings/,
		'a handler that changes settings does not fail');
	is(attempt($db, $state), $before, 'settings that a handler changed are restored');
	is(attempt($eve, 'SELECT string_agg(who, $$ $$) FROM eve.log'), 'eve',
		'a handler with SECURITY DEFINER runs as its owner');
}
# replaced by another role: the owner of the schema may drop it, and other roles may create one there
super('GRANT CREATE ON SCHEMA eve TO mallory');
attempt($eve, 'DROP FUNCTION eve.h(jsonb)');
like(super(q{SELECT authfort.create_user('gone@example.com')}),
	qr/^42883: .*event handler eve\.h\(pg_catalog\.jsonb\) does not exist/, 'a dropped handler is reported');
attempt('mallory', 'CREATE FUNCTION eve.h(event jsonb) RETURNS void LANGUAGE sql AS $$ $$');
like(super(q{SELECT authfort.create_user('replaced@example.com')}),
	qr/^42501: .*is not the function that was registered.*belongs to role "mallory", and role "eve" registered/s,
		'a function that another role put in place of a handler is not called');
super('ALTER FUNCTION eve.h(jsonb) OWNER TO CURRENT_USER');
like(super(q{SELECT authfort.create_user('supers@example.com')}),
	qr/^42501: .*is not the function that was registered.*belongs to role "\Q$super\E"/s,
		'a handler that was given to a superuser is not called');
super('ALTER FUNCTION eve.h(jsonb) OWNER TO mallory', 'GRANT authfort_admin, authfort_courier TO mallory');
is(attempt('mallory', q{SELECT authfort.on('user_created', 'eve.h(jsonb)')}), '',
	'the new owner can register a handler again');
like(super(q{SELECT authfort.create_user('again@example.com')}), qr/again/,
	'a handler that its new owner registered is called');
attempt('mallory', q{SELECT authfort.off('user_created', 'eve.h(jsonb)')});
is(super('SELECT count(*) FROM authfort.event_handlers'), 0, 'off() removes a handler');

# Another role's table that refers to users: its triggers run without privileges when a user is deleted.
super('GRANT REFERENCES (id) ON authfort.users TO eve');
attempt($eve, $_) foreach 'TRUNCATE eve.log',
	'CREATE TABLE eve.note (owner pg_catalog.uuid REFERENCES authfort.users (id) ON DELETE CASCADE)',
		'GRANT INSERT ON eve.log TO PUBLIC', 'GRANT USAGE ON SEQUENCE eve.log_at_seq TO PUBLIC',
	q{CREATE FUNCTION eve.note_and_set() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO eve.log (who) }
		. q{VALUES (TG_WHEN || ' ' || current_user); SET search_path = eve; RETURN OLD; END $$},
	'CREATE TRIGGER b BEFORE DELETE ON eve.note FOR EACH ROW EXECUTE FUNCTION eve.note_and_set()',
		'CREATE TRIGGER a AFTER DELETE ON eve.note FOR EACH ROW EXECUTE FUNCTION eve.note_and_set()';
is(attempt($eve, "INSERT INTO eve.note VALUES ('$id{bob}')"), undef, 'eve creates a row that refers to a user');
{
	my $db = session('backend');
	is(attempt($db, "SELECT authfort.delete_user('$id{bob}', true)"), '',
		'a user with rows of another role is deleted');
	is(attempt($db, 'SHOW search_path'), '"$user", public', 'a setting that a cascaded trigger changed is restored');
}
like(attempt($eve, q{SELECT string_agg(who, ', ' ORDER BY at) FROM eve.log}),
	qr/^BEFORE eve, AFTER (authfort_http|eve)$/, 'cascaded triggers run as their owner or without privileges');
is(super("SELECT count(*) FROM authfort.users WHERE id = '$id{bob}'"), 0,
	'the user is deleted in spite of the triggers');
is(super('SELECT count(*) FROM eve.note'), 0, 'the rows that referred to the user are deleted');
attempt($eve, $_) foreach 'CREATE FUNCTION eve.later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN '
	. 'INSERT INTO eve.log (who) VALUES (current_user); RETURN NULL; END $$',
	'CREATE CONSTRAINT TRIGGER c AFTER DELETE ON eve.note DEFERRABLE INITIALLY DEFERRED FOR EACH ROW '
		. 'EXECUTE FUNCTION eve.later()', 'TRUNCATE eve.log', "INSERT INTO eve.note VALUES ('$id{ada}')";
like(attempt('backend', "SELECT authfort.delete_user('$id{ada}', true)"), $restricted,
	'a deferred trigger behind a hard delete is refused');
is(super('SELECT count(*) FROM eve.log'), 0, 'a refused deferred trigger does not run');
is(attempt('backend', 'BEGIN', 'SET CONSTRAINTS ALL IMMEDIATE', "SELECT authfort.delete_user('$id{ada}', true)"), '',
	'a constraint trigger set to IMMEDIATE allows the hard delete');
attempt($eve, 'DROP TABLE eve.note');
# likewise where the clean-up deletes sessions, by a worker that is a superuser or by hand
super('CREATE TABLE eve.cart (session pg_catalog.uuid REFERENCES authfort.sessions ON DELETE CASCADE)',
	'INSERT INTO eve.cart SELECT id FROM authfort.sessions LIMIT 1',
		'UPDATE authfort.sessions SET revoked_at = pg_catalog.now()', 'ALTER TABLE eve.cart OWNER TO eve');
attempt($eve, 'CREATE TRIGGER a AFTER DELETE ON eve.cart FOR EACH ROW EXECUTE FUNCTION eve.note_and_set()');
like(super('SELECT authfort.cleanup_expired_sessions()'), qr/^[1-9]/, 'sessions are cleaned up');
like(attempt($eve, 'SELECT string_agg(who, $$, $$) FROM eve.log'), qr/^AFTER (authfort_http|eve)$/,
	'a trigger behind the cleanup runs as its owner or without privileges');
attempt($eve, 'DROP TABLE eve.cart');

$eve->disconnect;
$node->stop;
done_testing();
