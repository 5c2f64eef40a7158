# Code of other roles that statements of authfort execute: behind foreign keys, in triggers,
# in handlers. It gets no privileges of authfort and leaves nothing in the session.
# Without the library preloaded, so that nothing here rests on that.
use strict;
use warnings FATAL => 'all';

use Attempts qw(attempt attempt_on session super superuser);
use AuthfortNode qw(start_node);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('main', sql => <<'SQL');
CREATE ROLE eve LOGIN;
CREATE ROLE backend LOGIN;
GRANT authfort_admin TO backend, eve;
CREATE SCHEMA eve AUTHORIZATION eve;
GRANT USAGE ON SCHEMA eve TO PUBLIC;
SQL
attempt_on($node);
my $super = superuser();

sub eve { return attempt('eve', @_); }

my $emails = 0;
sub new_user { return super("SELECT authfort.create_user('user@{[ $emails++ ]}\@example.com')->>'id'"); }

eve(
	'CREATE TABLE eve.log (at serial, who text)', 'GRANT INSERT ON eve.log TO PUBLIC',
		'GRANT USAGE ON SEQUENCE eve.log_at_seq TO PUBLIC',
	'CREATE FUNCTION eve.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN'
	. q{ INSERT INTO eve.log (who) VALUES (concat_ws(' ', TG_WHEN, TG_OP, current_user)); SET search_path = eve; }
	. q{RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END; END $$});
sub logged { return eve('WITH gone AS (DELETE FROM eve.log RETURNING at, who) SELECT coalesce(string_agg(who, $$, $$ '
	. 'ORDER BY at), $$nothing$$) FROM gone'); }

# No foreign key can refer to columns that statements of authfort change.

is(super(<<'SQL'), undef, 'a unique index is a primary key or cannot be referenced');
SELECT string_agg(i.indexrelid::regclass::text, ', ') FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
	WHERE c.relnamespace = 'authfort'::regnamespace AND i.indisunique AND NOT i.indisprimary AND i.indpred IS NULL
		AND i.indexprs IS NULL
SQL
is(super(<<'SQL'), undef, 'no foreign key is between tables of the extension');
SELECT string_agg(conname, ', ') FROM pg_constraint c JOIN pg_class r ON r.oid = c.confrelid
	AND r.relnamespace = 'authfort'::regnamespace
	JOIN pg_class o ON o.oid = c.conrelid AND o.relnamespace = 'authfort'::regnamespace WHERE contype = 'f'
SQL
super('GRANT REFERENCES ON ALL TABLES IN SCHEMA authfort TO eve');
foreach my $column (split ' ', super(q{SELECT string_agg(attname, ' ') FROM pg_attribute }
	. q{WHERE attrelid = 'authfort.users'::regclass AND attnum > 0 AND attname <> 'id' AND NOT attisdropped}))
{
	like(eve("CREATE TABLE eve.refers AS SELECT $column AS c FROM authfort.users"), qr/^42501: .*permission denied/,
		"eve cannot read users.$column");
	my $type = super("SELECT atttypid::regtype FROM pg_attribute WHERE attrelid = 'authfort.users'::regclass "
		. "AND attname = '$column'");
	like(eve("CREATE TABLE eve.refers (c $type REFERENCES authfort.users ($column) ON UPDATE CASCADE)"),
		qr/^42830: .*no unique constraint/, "a foreign key to users.$column is refused");
}

# If the owner makes an index that a foreign key may refer to, triggers behind it have no privileges.
super('CREATE UNIQUE INDEX by_phone ON authfort.users (phone)',
	'CREATE UNIQUE INDEX by_url ON authfort.users (avatar_url)');
is(eve(
		'CREATE TABLE eve.cascading (phone text REFERENCES authfort.users (phone) ON UPDATE CASCADE ON DELETE CASCADE)',
		'CREATE TABLE eve.forgetting (url text REFERENCES authfort.users (avatar_url) ON UPDATE SET NULL ON DELETE '
			. 'SET NULL)',
		map { my $table = $_; map { "CREATE TRIGGER $_ $_ UPDATE OR DELETE ON eve.$table FOR EACH ROW "
			. "EXECUTE FUNCTION eve.note()" } qw(before after) } qw(cascading forgetting)),
	undef, 'tables of eve can follow a unique index that the owner made');
my $followed = new_user();
super("SELECT authfort.update_user('$followed', '{\"phone\": \"+49 30 1\", \"avatar_url\": "
	. "\"https://example.com/1\"}')");
eve(q{INSERT INTO eve.cascading VALUES ('+49 30 1')}, q{INSERT INTO eve.forgetting VALUES ('https://example.com/1')});
my $as_nobody = qr/^BEFORE \w+ eve, AFTER \w+ (authfort_http|eve)$/;
{
	my $db = session('backend');
	unlike(attempt($db, "SELECT authfort.update_user('$followed', '{\"phone\": \"+49 30 2\"}')"), qr/^\d{5}: /,
		'update_user() cascades to a table of eve');
	like(logged(), $as_nobody, 'triggers behind ON UPDATE CASCADE run as eve or without privileges');
	is(attempt($db, 'SHOW search_path'), '"$user", public', 'settings that such triggers change are restored');
	is(eve('SELECT phone FROM eve.cascading'), '+49 30 2', 'the row of eve is updated');
	unlike(attempt($db, "SELECT authfort.update_user('$followed', '{\"avatar_url\": null}')"), qr/^\d{5}: /,
		'update_user() with ON DELETE SET NULL succeeds');
	like(logged(), $as_nobody, 'triggers behind ON UPDATE SET NULL run as eve or without privileges');
	is(attempt($db, "SELECT authfort.delete_user('$followed')"), '', 'a soft delete of a followed user succeeds');
	like(logged(), $as_nobody, 'triggers behind a soft delete run as eve or without privileges');
	is(attempt($db, "SELECT authfort.delete_user('$followed', true)"), '', 'a hard delete of a followed user succeeds');
}
logged();
super('DROP INDEX authfort.by_phone CASCADE', 'DROP INDEX authfort.by_url CASCADE');
eve('DROP TABLE eve.cascading, eve.forgetting');

# Triggers on our tables.

super('GRANT TRIGGER ON ALL TABLES IN SCHEMA authfort TO eve');
foreach my $table (split ' ', super(q{SELECT string_agg(relname, ' ') FROM pg_class }
	. q{WHERE relnamespace = 'authfort'::regnamespace AND relkind = 'r'}))
{
	like(eve("CREATE TRIGGER t AFTER INSERT ON authfort.$table FOR EACH ROW EXECUTE FUNCTION eve.note()"),
		qr/^42501: .*permission denied to create trigger "t" on table authfort\.$table/,
			"a trigger of eve on $table is refused");
}
like(eve('CREATE CONSTRAINT TRIGGER t AFTER INSERT ON authfort.users DEFERRABLE INITIALLY DEFERRED FOR EACH ROW '
	. 'EXECUTE FUNCTION eve.note()'), qr/^42501: .*permission denied to create trigger/,
		'a deferred trigger of eve on users is refused');
like(eve('SET search_path = eve, authfort',
	'CREATE OR REPLACE TRIGGER t BEFORE UPDATE ON users FOR EACH STATEMENT EXECUTE FUNCTION eve.note()'),
		qr/^42501: .*permission denied to create trigger/, 'a trigger of eve on a table without its schema is refused');
is(eve('CREATE TABLE eve.users (id integer)',
	'CREATE TRIGGER t AFTER INSERT ON eve.users FOR EACH ROW EXECUTE FUNCTION eve.note()'), undef,
		'eve creates triggers on tables that eve owns');
super('REVOKE ALL ON ALL TABLES IN SCHEMA authfort FROM eve');

# the owner's own
super('CREATE TABLE profile (id uuid PRIMARY KEY REFERENCES authfort.users ON '
	. 'DELETE CASCADE, nickname text, made_by text DEFAULT current_user)',
	'CREATE FUNCTION make_profile() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.profile '
		. 'VALUES (NEW.id, NEW.name); RETURN NULL; END $$',
	'CREATE FUNCTION keep_nickname() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE public.profile '
		. 'SET nickname = NEW.name WHERE id = NEW.id; RETURN NULL; END $$',
	'CREATE TRIGGER profile AFTER INSERT ON authfort.users FOR EACH ROW EXECUTE FUNCTION make_profile()',
	'CREATE TRIGGER nickname AFTER UPDATE OF name ON authfort.users FOR EACH ROW EXECUTE FUNCTION keep_nickname()');
my $ada = attempt('backend', q{SELECT authfort.signup('ada@example.com', 'correct horse', name => 'Ada') #>> }
	. q{'{user,id}'});
is(super("SELECT concat_ws(' ', nickname, made_by) FROM profile WHERE id = '$ada'"), "Ada $super",
	'a trigger of the owner runs with the rights of the owner');
attempt('backend', "SELECT authfort.update_user('$ada', '{\"name\": \"Countess\"}')");
is(super("SELECT nickname FROM profile WHERE id = '$ada'"), 'Countess', 'an update trigger of the owner runs');
super('SET session_replication_role = replica', 'DELETE FROM profile');
is(attempt('backend', "SELECT authfort.delete_user('$ada', true)"), '', 'a user with triggers of the owner is deleted');

# a table that was given away: its owner can create triggers, and gains no privileges by them
super('ALTER TABLE authfort.password_history OWNER TO eve', 'GRANT ALL ON authfort.password_history TO CURRENT_USER',
	'GRANT CREATE ON SCHEMA authfort TO eve', q{ALTER DATABASE app SET authfort.password_history_count = 1});
is(eve('CREATE TRIGGER t AFTER INSERT ON authfort.password_history FOR EACH ROW EXECUTE FUNCTION eve.note()'), undef,
	'eve creates a trigger on a table that eve was given');
like(super(q{SELECT authfort.create_user('given@example.com', 'correct horse')}),
	qr/^42501: .*trigger "t" on table "password_history" would run code of role "eve" as role "\Q$super\E"/,
		'a trigger of eve does not run as the owner of the extension');
super('DROP TRIGGER t ON authfort.password_history', 'ALTER TABLE authfort.password_history OWNER TO CURRENT_USER',
	'ALTER DATABASE app RESET authfort.password_history_count', 'REVOKE CREATE ON SCHEMA authfort FROM eve');

# a trigger of the owner's whose function another role owns
super('GRANT CREATE ON SCHEMA public TO eve', 'ALTER FUNCTION make_profile() OWNER TO eve');
my $foreign_code = qr/^42501: .*trigger "profile" on table "users" would run code of role "eve"/;
like(super(q{SELECT authfort.create_user('trap@example.com')}), $foreign_code,
	'a trigger function of eve does not run with the rights of the owner');
super('ALTER TABLE authfort.users DISABLE TRIGGER profile');
like(super(q{SELECT authfort.create_user('disabled@example.com')}), qr/disabled/,
	'a disabled trigger is ignored');
super('ALTER TABLE authfort.users ENABLE TRIGGER profile');
super('GRANT INSERT ON profile TO eve');
eve('ALTER FUNCTION public.make_profile() SECURITY DEFINER');
like(super(q{SELECT authfort.create_user('definer@example.com')}), qr/definer/,
	'a SECURITY DEFINER trigger function of eve runs');
is(super(q{SELECT made_by FROM profile JOIN authfort.users USING (id) WHERE email = 'definer@example.com'}), 'eve',
	'a SECURITY DEFINER trigger function of eve runs as eve');
eve('ALTER FUNCTION public.make_profile() SECURITY INVOKER');
like(super(q{SELECT authfort.create_user('invoker@example.com')}), $foreign_code,
	'a trigger function of eve is refused again as SECURITY INVOKER');
like(super(q{SELECT authfort.create_user('trap@example.com')}), $foreign_code,
	'a trigger function of eve is refused again in a second statement');
super('ALTER FUNCTION make_profile() OWNER TO CURRENT_USER');
{
	my $db = session($super);
	like(attempt($db, q{SELECT authfort.create_user('again@example.com')}), qr/again/,
		'a trigger function that the owner owns again runs');
	super('ALTER FUNCTION make_profile() OWNER TO eve');
	like(attempt($db, q{SELECT authfort.create_user('late@example.com')}), $foreign_code,
		'a change of the owner of a trigger function is noticed at once');
	super('DROP TRIGGER profile ON authfort.users');
	like(attempt($db, q{SELECT authfort.create_user('late@example.com')}), qr/late/,
		'a dropped trigger is noticed at once');
	super('CREATE CONSTRAINT TRIGGER checked AFTER INSERT ON authfort.users DEFERRABLE INITIALLY DEFERRED '
		. 'FOR EACH ROW EXECUTE FUNCTION keep_nickname()');
	like(attempt($db, q{SELECT authfort.create_user('deferred@example.com')}),
		qr/^42501: .*deferred trigger within security-restricted operation/,
			'a deferred trigger of the owner is refused');
	super('DROP TRIGGER checked ON authfort.users', 'DROP TRIGGER nickname ON authfort.users');
	super('SET authfort.allow_drop = on', 'CREATE SCHEMA spare', 'BEGIN',
		'ALTER TABLE authfort.users ADD COLUMN extra integer', 'ALTER TABLE authfort.users DROP COLUMN extra',
			'COMMIT');
	like(attempt($db, q{SELECT authfort.create_user('altered@example.com')}), qr/altered/,
		'a session with cached plans writes to an altered table');
	attempt($db, 'DROP TABLE profile', 'SET authfort.allow_drop = on', 'DROP EXTENSION authfort CASCADE',
		'CREATE EXTENSION authfort', 'GRANT authfort_admin TO eve, backend');
	like(attempt($db, q{SELECT authfort.create_user('new@example.com')}), qr/new/,
		'a session with cached plans writes to a recreated extension');
}

# Handlers.

sub handler
{
	my ($body) = @_;
	return eve("CREATE OR REPLACE FUNCTION eve.h(event jsonb) RETURNS void LANGUAGE plpgsql AS \$f\$ BEGIN $body; "
		. "END \$f\$");
}
handler(q{INSERT INTO eve.log (who) VALUES (current_user)});
is(eve(q{SELECT authfort.on('user_created', 'eve.h(jsonb)')}), '', 'eve registers a handler');
new_user();
is(logged(), 'eve', 'a handler of eve runs as eve');
my $not_registered = qr/^42501:\ .*eve\.h\(pg_catalog\.jsonb\)\ is\ not\ the\ function\ that\ was\ registered
	.*belongs\ to\ role\ "\Q$super\E",\ and\ role\ "eve"\ registered\ it/sx;
super('REASSIGN OWNED BY eve TO CURRENT_USER');
like(new_user(), $not_registered, 'a handler does not run after REASSIGN OWNED to a superuser');
is(super('SELECT count(*) FROM eve.log'), 0, 'the refused handler left no rows');
super('DO $$ DECLARE o text; BEGIN FOR o IN SELECT format(\'ALTER TABLE %s OWNER TO eve\', oid::regclass) '
	. 'FROM pg_class WHERE relnamespace = \'eve\'::regnamespace AND relkind = \'r\' LOOP EXECUTE o; END LOOP; END $$',
	'ALTER SCHEMA eve OWNER TO eve', 'ALTER FUNCTION eve.h(jsonb) OWNER TO eve',
		'ALTER FUNCTION eve.note() OWNER TO eve');
new_user();
is(logged(), 'eve', 'a handler that eve owns again runs as eve');

# restored without owners
{
	my $dump = $node->basedir . '/app.dump';
	$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('app') ], 'a database with handlers is dumped');
	$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE template0 ENCODING \'UTF8\' LOCALE \'C.UTF-8\'');
	$node->command_ok([ 'pg_restore', '--no-owner', '-d', $node->connstr('copy'), $dump ],
		'a dump is restored without owners');
	my ($code, $out, $err) = $node->psql('copy', q{SELECT authfort.create_user('copy@example.com')});
	like("42501: $err", $not_registered, 'a handler restored without owners does not run as a superuser');
	($code, $out, $err) = $node->psql('copy',
		q{SELECT authfort.on('user_created', 'eve.h(jsonb)'); }
			. q{SELECT authfort.create_user('copy@example.com')->>'email'; SELECT who FROM eve.log});
	is($out, "\ncopy\@example.com\n$super", 'a handler that a superuser registers again runs');
	$node->safe_psql('postgres', 'DROP DATABASE copy WITH (FORCE)');
}

# Objects and locks that a handler would leave behind.

my $restricted = qr/^42501: .*within security-restricted operation/;
eve('CREATE FUNCTION eve.evil(anyelement) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO eve.log (who) '
	. 'VALUES (current_user); RETURN true; END $$',
	'CREATE FUNCTION eve.same(uuid, uuid) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$',
		'CREATE FUNCTION eve.sfunc(integer, integer) RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$',
	'CREATE OPERATOR eve.@@@ (RIGHTARG = bigint, FUNCTION = pg_advisory_lock)', 'CREATE DOMAIN eve.mine AS text');
my @lasting = (
	(map { "CREATE $_" } 'DOMAIN pg_temp.uuid AS pg_catalog.uuid CHECK (eve.evil(value))',
		'TYPE pg_temp.jsonb AS ENUM (\'a\')', 'TYPE pg_temp.inet AS (a text)',
			'TYPE pg_temp.name AS RANGE (subtype = integer)',
		'FUNCTION pg_temp.f() RETURNS text LANGUAGE sql AS $$ SELECT 1::text $$',
			'PROCEDURE pg_temp.p() LANGUAGE sql AS $$ SELECT 1 $$',
				'AGGREGATE pg_temp.a (integer) (SFUNC = eve.sfunc, STYPE = integer)',
		'OPERATOR pg_temp.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = eve.same)',
			'COLLATION pg_temp."C" FROM "POSIX"',
				'DEFAULT CONVERSION pg_temp.c FOR \'LATIN1\' TO \'UTF8\' FROM iso8859_1_to_utf8',
		'TEXT SEARCH CONFIGURATION pg_temp.simple (COPY = pg_catalog.simple)',
			'TEXT SEARCH DICTIONARY pg_temp.simple (TEMPLATE = pg_catalog.simple)',
				'STATISTICS pg_temp.s ON at, who FROM eve.log',
		'TABLE pg_temp.users (id text)', 'TEMP VIEW users AS SELECT 1', 'TEMP SEQUENCE s', 'TEMP TABLE t AS SELECT 1'),
	'PREPARE p AS SELECT 1', 'LISTEN x', 'UNLISTEN *', 'DISCARD ALL', 'DISCARD TEMP', 'DEALLOCATE ALL',
		'DECLARE c CURSOR WITH HOLD FOR SELECT 1',
	(map { ("SELECT pg_${_}advisory_lock(1)", "SELECT pg_${_}advisory_lock(1, 2)",
		"SELECT pg_${_}advisory_lock_shared(1)", "SELECT pg_${_}advisory_lock_shared(1, 2)") } '', 'try_'),
	'SELECT pg_advisory_unlock(1)', 'SELECT pg_advisory_unlock(1, 2)', 'SELECT pg_advisory_unlock_shared(1)',
		'SELECT pg_advisory_unlock_shared(1, 2)', 'SELECT pg_advisory_unlock_all()', 'SELECT setseed(0.5)',
			'SELECT OPERATOR(eve.@@@) 1::bigint');
{
	# one session, as poolers have it: what one handler leaves would be there for the next
	my $db = session($super);
	$db->do($_) foreach 'CREATE TEMP TABLE mine (x integer)', 'SELECT pg_advisory_lock(7)';
	foreach my $statement (@lasting)
	{
		is(handler("EXECUTE \$statement\$$statement\$statement\$"), undef, "a handler is created with $statement");
		like(attempt($db, q{SELECT authfort.create_user('x@example.com')}), $restricted,
			"a handler is refused $statement");
	}
	# an error that the handler catches changes nothing about it
	is(handler(join ' ', (map { "BEGIN EXECUTE \$statement\$$_\$statement\$; INSERT INTO eve.log (who) "
		. "VALUES ('made'); EXCEPTION WHEN insufficient_privilege OR object_not_in_prerequisite_state THEN NULL; END;" }
		@lasting), 'NULL'), undef, 'a handler that tries all statements is created');
	like(attempt($db, q{SELECT authfort.create_user('caught@example.com')}), qr/caught/,
		'a handler that catches each refusal does not fail');
	is(logged(), 'nothing', 'a handler that catches each refusal was refused every statement');
	is(attempt($db, q{SELECT '11111111-1111-1111-1111-111111111111'::uuid}), '11111111-1111-1111-1111-111111111111',
		'a cast succeeds in the session of a refused handler');
	is(logged(), 'nothing', 'a cast in the session of a refused handler runs no code of eve');
	is(attempt($db, q{SELECT string_agg(objid::text || classid::regclass::text, ' ') FROM pg_depend }
		. q{WHERE refclassid = 'pg_namespace'::regclass AND refobjid = pg_my_temp_schema() }
		. q{AND objid <> 'mine'::regclass}), undef, 'a refused handler leaves no temporary object');
	is(attempt($db, q{SELECT string_agg(objid::text, ' ') FROM pg_locks WHERE locktype = 'advisory' }
		. q{AND pid = pg_backend_pid()}), 7, 'a refused handler leaves the advisory locks as they were');
	# the caller is not confined, neither after the handler nor after its error
	handler(q{RAISE 'no'});
	$db->begin_work;
	$db->do('SAVEPOINT s');
	like(attempt($db, q{SELECT authfort.create_user('error@example.com')}), qr/^P0001/,
		'an error of a handler is raised');
	$db->do('ROLLBACK TO s');
	is(attempt($db, 'CREATE DOMAIN pg_temp.d AS text', 'CREATE INDEX ON mine (x)', 'SELECT pg_advisory_unlock(7)'), 1,
		'the caller can create temporary objects after an error of a handler');
	$db->commit;
}
# the same in triggers behind a foreign key, before and after
eve(q{SELECT authfort.off('user_created', 'eve.h(jsonb)')});
super('GRANT REFERENCES (id) ON authfort.users TO eve');
foreach my $when (qw(BEFORE AFTER))
{
	my $db = session($super);
	my $doomed = new_user();
	eve('CREATE TABLE eve.follows (id uuid REFERENCES authfort.users ON DELETE CASCADE)',
		"INSERT INTO eve.follows VALUES ('$doomed')");
	my $tried = qr/^(CREATE (DOMAIN|FUNCTION|TEMP TABLE)|SELECT pg_advisory_lock\(1\)|SELECT setseed|PREPARE)/;
	foreach my $statement (grep { $_ =~ $tried } @lasting)
	{
		eve("CREATE OR REPLACE FUNCTION eve.leave() RETURNS trigger LANGUAGE plpgsql AS \$f\$ BEGIN "
			. "EXECUTE \$statement\$$statement\$statement\$; RETURN OLD; END \$f\$",
			"CREATE OR REPLACE TRIGGER leave $when DELETE ON eve.follows FOR EACH ROW EXECUTE FUNCTION eve.leave()");
		like(attempt($db, "SELECT authfort.delete_user('$doomed', true)"), $restricted,
			"a trigger $when DELETE is refused $statement");
	}
	eve('DROP TABLE eve.follows');
}
super('REVOKE REFERENCES (id) ON authfort.users FROM eve');
eve(q{SELECT authfort.on('user_created', 'eve.h(jsonb)')});
handler('PERFORM pg_advisory_xact_lock(1); PERFORM pg_notify($$x$$, $$y$$); INSERT INTO eve.log (who) '
	. 'VALUES (current_user)');
new_user();
is(logged(), 'eve', 'a handler may take locks and notify until the end of the transaction');
eve(q{SELECT authfort.off('user_created', 'eve.h(jsonb)')});

# A handler, or a trigger, that deletes the user just made.
foreach my $call (q{authfort.signup('brief@example.com', 'correct horse')},
	q{authfort.create_user('brief@example.com', roles => '{a}')})
{
	handler(q{IF event->>'event' = 'user_created' THEN PERFORM authfort.delete_user((event->>'user_id')::uuid, }
		. q{true); END IF});
	eve(q{SELECT authfort.on('user_created', 'eve.h(jsonb)')});
	like(super("SELECT $call"), qr/^\S{5}: .*user \S+ does not exist/, "$call fails if a handler deletes the user");
	eve(q{SELECT authfort.off('user_created', 'eve.h(jsonb)')});
}

# A hard delete that a foreign key forbids.

my $admin = super(q{SELECT authfort.create_user('admin@example.com', 'correct horse', roles => '{admin}') IS NOT NULL},
	q{SELECT authfort.login('admin@example.com', 'correct horse') #>> '{tokens,access_token}'});
my $bob = new_user();
my $delete = sub {
	my ($id) = @_;
	return "SELECT status || coalesce(' ' || (body::jsonb #>> '{detail,error}'), '') "
		. "FROM authfort.http('DELETE', '/auth/admin/users/$id', 'hard=true', '{\"authorization\": \"Bearer "
		. "$admin\"}')";
};
super('GRANT REFERENCES (id) ON authfort.users TO eve');
foreach my $action ('NO ACTION', 'RESTRICT')
{
	eve("CREATE TABLE eve.note (owner uuid REFERENCES authfort.users ON DELETE $action)",
		"INSERT INTO eve.note VALUES ('$bob')");
	my $db = session($super);
	$db->begin_work;
	is(attempt($db, $delete->($bob)), '409 user_in_use', "ON DELETE $action: a hard delete over HTTP is refused");
	is(attempt($db, "SELECT count(*) FROM authfort.users WHERE id = '$bob'"), 1,
		"ON DELETE $action: the transaction goes on, with the user");
	is(attempt($db, 'SELECT count(*) FROM authfort.events WHERE event = $$user_deleted$$ AND user_id = $$' . $bob
		. '$$'), 0, "ON DELETE $action: no event of a deletion is recorded");
	$db->commit;
	is(attempt('backend', "DO \$\$ BEGIN PERFORM authfort.delete_user('$bob', true); "
		. "EXCEPTION WHEN foreign_key_violation THEN DECLARE d text; t text; BEGIN"
			. " GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL, t = TABLE_NAME; RAISE '% % %', SQLSTATE, d, t; END; "
			. "END \$\$") =~ s/\n.*//sr, 'P0001: ERROR:  23503 user_in_use note',
				"ON DELETE $action: a hard delete by SQL is refused with the table name");
	eve('DROP TABLE eve.note');
}
eve('CREATE TABLE eve.team (id integer PRIMARY KEY, owner uuid REFERENCES authfort.users ON DELETE CASCADE)',
	'CREATE TABLE eve.member (team integer REFERENCES eve.team)', "INSERT INTO eve.team VALUES (1, '$bob')",
		'INSERT INTO eve.member VALUES (1)');
is(super($delete->($bob)), '409 user_in_use', 'a foreign key behind a cascading one is reported as user_in_use');
eve('DROP TABLE eve.member', 'CREATE TRIGGER t BEFORE DELETE ON eve.team FOR EACH ROW EXECUTE FUNCTION eve.refuse()');
eve('CREATE FUNCTION eve.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE $m$not today$m$; END $$',
	'CREATE TRIGGER t BEFORE DELETE ON eve.team FOR EACH ROW EXECUTE FUNCTION eve.refuse()');
like(super($delete->($bob)), qr/^P0001: .*not today/, 'an error of a trigger during a hard delete is raised');
eve('DROP TABLE eve.team');
handler(q{RAISE foreign_key_violation USING MESSAGE = 'not mine'});
eve(q{SELECT authfort.on('user_deleted', 'eve.h(jsonb)')});
like(super($delete->($bob)), qr/^23503: .*not mine/, 'a foreign_key_violation of a handler is raised');
eve(q{SELECT authfort.off('user_deleted', 'eve.h(jsonb)')});
eve("CREATE TABLE eve.note (owner uuid REFERENCES authfort.users DEFERRABLE INITIALLY DEFERRED)",
	"INSERT INTO eve.note VALUES ('$bob')");
like(super($delete->($bob)), qr/^42501: .*deferred trigger within security-restricted operation/,
	'a hard delete with a deferred foreign key is an error');
is(super('BEGIN', 'SET CONSTRAINTS ALL IMMEDIATE', $delete->($bob)), '409 user_in_use',
	'a hard delete with the foreign key set to IMMEDIATE is refused');
eve('TRUNCATE eve.note');
is(super('BEGIN', 'SET CONSTRAINTS ALL IMMEDIATE', $delete->($bob)), '204', 'a user without references is deleted');

$node->stop;
done_testing();
