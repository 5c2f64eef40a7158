# A dump is a backup, however it is restored: all rows are there, sessions go on, messages
# can be read. Enough users that a parallel restore loads tables in another order.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(create_database start_node);
use DBI;
use File::Copy qw(copy);
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @options = (preload => 'authfort', database => undef, conf => <<'CONF');
authfort.password_history_count = 3
authfort.cleanup_interval = 0
CONF
my $node = start_node('main', @options);
my $dumps = $node->basedir;

# Objects of an application: tables that refer to users, policies, a handler.
my $application = <<'SQL';
CREATE TABLE profile (id uuid PRIMARY KEY REFERENCES authfort.users ON DELETE CASCADE, nickname text);
CREATE TABLE note (owner uuid NOT NULL REFERENCES authfort.users, body text);
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON note USING (owner = authfort.uid());
CREATE FUNCTION note_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER changed BEFORE UPDATE ON note FOR EACH ROW EXECUTE FUNCTION note_changed();
CREATE FUNCTION make_profile(event jsonb) RETURNS void LANGUAGE sql AS
	$$ INSERT INTO public.profile VALUES ((event->>'user_id')::uuid, event->>'name') $$;
SQL

create_database($node, 'app');
$node->safe_psql('app', "CREATE EXTENSION authfort; $application");
$node->safe_psql('app', <<'SQL');
SELECT authfort.on('user_created', 'make_profile(jsonb)');
SELECT count(authfort.create_user('user' || n || '@example.com', name => 'User ' || n, roles => ARRAY['editor',
	'r' || n % 7])) FROM generate_series(1, 4000) n;
SELECT authfort.create_user('ada@example.com', 'correct horse', name => 'Ada', roles => '{admin}');
SELECT authfort.change_password(id, 'correct horse', 'battery staple') FROM authfort.users
	WHERE email = 'ada@example.com';
SELECT authfort.login('ada@example.com', 'battery staple');
INSERT INTO authfort.sessions SELECT r.* FROM (SELECT * FROM authfort.sessions LIMIT 1) s, authfort.users u,
	jsonb_populate_record(s::authfort.sessions, jsonb_build_object('id', gen_random_uuid(), 'user_id', u.id)) r;
SELECT count(authfort.http('POST', '/auth/forgot-password', headers => '{"content-type": "application/json"}',
	body => format('{"email": "user%s@example.com"}', n))) FROM generate_series(1, 20) n;
INSERT INTO note SELECT id, email FROM authfort.users WHERE email LIKE 'user1%';
SELECT authfort.load_breached_passwords(ARRAY['0123456789012345678901234567890123456789']);
SELECT authfort.prepare_key();
UPDATE authfort.users SET banned = true WHERE email = 'user7@example.com';
SELECT authfort.delete_user(id) FROM authfort.users WHERE email = 'user8@example.com';
SELECT authfort.request_email_change(id, 'new@example.com') FROM authfort.users WHERE email = 'user9@example.com';
SQL

# The number of rows, and a hash of all that is in them, of each table.
sub contents
{
	my ($of, $database) = @_;
	return $of->safe_psql($database, <<'SQL');
SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET bytea_output = 'hex';
SELECT c.oid::regclass, x.* FROM pg_class c,
	LATERAL xmltable('//row' PASSING query_to_xml(format(
		'SELECT count(*) AS n, md5(string_agg(t::text, $$|$$ ORDER BY t::text COLLATE "C")) AS h FROM %s t',
		c.oid::regclass), false, false, '')
	COLUMNS n bigint PATH 'n', h text PATH 'h') x
	WHERE c.relkind = 'r' AND c.relnamespace IN ('authfort'::regnamespace, 'public'::regnamespace)
		ORDER BY c.oid::regclass::text
SQL
}
my $before = contents($node, 'app');
foreach my $table (qw(users user_roles sessions password_history one_time_tokens email_changes outbox events
	event_handlers signing_keys breached_passwords))
{
	like($before, qr/^authfort\.$table\|[1-9]\d*\|/m, "the database has $table before the dump");
}
like($before, qr/^authfort\.(sessions|user_roles)\|(400\d|800\d)\|/m,
	'the database has thousands of sessions and roles');

# The refresh token is used once in each restored database.
my $token = $node->safe_psql('app',
	q{SELECT authfort.login('ada@example.com', 'battery staple') #>> '{tokens,refresh_token}'});
$before = contents($node, 'app');

sub check
{
	my ($to, $database, $how) = @_;
	is(contents($to, $database), $before, "$how: every row is restored");
	is($to->safe_psql($database, 'SELECT count(*) FROM pg_constraint '
		. 'WHERE conrelid IN ($$note$$::regclass, $$profile$$::regclass) AND contype = $$f$$ AND convalidated'), 2,
			"$how: the foreign keys of the application are restored");
	my $db = DBI->connect('dbi:Pg:' . $to->connstr($database), '', '', { RaiseError => 1, PrintError => 0,
		PrintWarn => 0 });
	my $ask = sub { return ($db->selectrow_array($_[0]))[0] };
	is($ask->("SELECT authfort.refresh('$token') #>> '{user,email}'"), 'ada@example.com',
		"$how: a refresh token is accepted");
	is($ask->(q{SELECT authfort.login('ada@example.com', 'battery staple') #>> '{user,roles}'}), '["admin"]',
		"$how: a password is accepted, and the role restored");
	is($ask->(q{SELECT authfort.login('user8@example.com', 'x') ->> 'error'}), 'invalid_credentials',
		"$how: a deleted user cannot log in");
	is($ask->(q{SELECT count(message->>'token') FROM authfort.take_messages(100)}), 20,
		"$how: messages of the outbox can be opened");
	is($ask->(q{SELECT authfort.get_user_count(role => 'r3', query => 'user')}), 572,
		"$how: users are found by role and name");
	like($ask->(q{SELECT authfort.create_user('new@example.com', name => 'New')}), qr/new\@example/,
		"$how: a user can be created");
	is($ask->(q{SELECT nickname FROM profile JOIN authfort.users u USING (id) WHERE u.email = 'new@example.com'}),
		'New', "$how: handlers are called");
	$ask->(q{SELECT authfort.delete_user(id, hard => true) FROM authfort.users WHERE email = 'user2@example.com'});
	is($ask->(q{SELECT concat_ws(' ', (SELECT count(*) FROM authfort.user_roles WHERE NOT EXISTS (SELECT }
		. q{FROM authfort.users u WHERE u.id = user_id)), (SELECT count(*) FROM authfort.sessions WHERE NOT }
		. q{EXISTS (SELECT FROM authfort.users u WHERE u.id = user_id)), (SELECT count(*) FROM profile))}),
		'0 0 4001', "$how: a hard delete removes what belongs to the user");
	$db->disconnect;
	return;
}

sub dump_quietly
{
	my ($how, @options) = @_;
	my ($out, $err);
	ok(IPC::Run::run([ 'pg_dump', @options, $node->connstr('app') ], '>', \$out, '2>', \$err), "pg_dump $how succeeds");
	is($err, '', "pg_dump $how gives no warning");
	return;
}

sub restore_quietly
{
	my ($to, $how, @command) = @_;
	local %ENV = $to->_get_env();
	my ($out, $err);
	ok(IPC::Run::run(\@command, '>', \$out, '2>', \$err), "restoring $how succeeds");
	is($err =~ s/^.*WARNING:  role "authfort_\w+" already exists.*\n(?:DETAIL:.*\n)?//grm, '',
		"restoring $how gives no warning");
	return;
}

# A dump does not record that a foreign key needs the rows of an extension's table, so these come first.
sub restore_in_parallel
{
	my ($to, $how, $jobs, $database, $dump, $bindir) = @_;
	foreach my $sections ([ 'pre-data', 'data' ], ['post-data'])
	{
		restore_quietly(
			$to, "$how (@$sections)", ($bindir // '') . 'pg_restore', '--exit-on-error', '-j', $jobs,
			(map { "--section=$_" } @$sections),
			'-d', $to->connstr($database), $dump
		);
	}
	return;
}

dump_quietly('as SQL', '-f', "$dumps/app.sql");
dump_quietly('-Fc', '-Fc', '-f', "$dumps/app.dump");
dump_quietly('-Fd -j 4', '-Fd', '-j', '4', '-f', "$dumps/app.dir");
dump_quietly('--data-only', '--data-only', '-f', "$dumps/data.sql");
dump_quietly('--clean', '--clean', '--if-exists', '-f', "$dumps/clean.sql");

create_database($node, $_) foreach qw(plain custom directory parallel data unordered clean);
restore_quietly($node, 'SQL', 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-d',
	$node->connstr('plain'), '-f', "$dumps/app.sql");
check($node, 'plain', 'SQL');
restore_quietly($node, '-Fc', 'pg_restore', '--exit-on-error', '-d', $node->connstr('custom'), "$dumps/app.dump");
check($node, 'custom', '-Fc');
restore_in_parallel($node, '-Fd -j 4', 4, 'directory', "$dumps/app.dir");
check($node, 'directory', '-Fd -j 4');
restore_in_parallel($node, '-Fc -j 8', 8, 'parallel', "$dumps/app.dump");
check($node, 'parallel', '-Fc -j 8');

$node->safe_psql('data', "CREATE EXTENSION authfort; $application");
restore_quietly($node, 'data only', 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-d',
	$node->connstr('data'), '-f', "$dumps/data.sql");
check($node, 'data', 'data only');
$node->safe_psql('unordered', "CREATE EXTENSION authfort; $application");
restore_quietly($node, 'data only, in parallel', 'pg_restore', '--data-only', '--disable-triggers', '--exit-on-error',
	'-j', '4', '-d', $node->connstr('unordered'), "$dumps/app.dir");
check($node, 'unordered', 'data only, in parallel');
my $always = q{SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgenabled = 'A' ORDER BY 1, 2};
is($node->safe_psql('unordered', $always), '', 'after --disable-triggers no trigger is ALWAYS');
$node->safe_psql('unordered', join "\n", slurp_file('docs/backup.md') =~ /^ +(ALTER TABLE .* TRIGGER .*;)$/gm);
is($node->safe_psql('unordered', $always), $node->safe_psql('app', $always), "the manual's statements restore them");

# over a database in use, whose rows are replaced
$node->safe_psql('clean', "CREATE EXTENSION authfort; SELECT authfort.create_user('other\@example.com')");
foreach my $how ([ '--clean of -Fc', 'pg_restore', '--clean', '--if-exists', '--exit-on-error', '-d',
	$node->connstr('clean'), "$dumps/app.dump" ],
	[ '--clean of SQL', 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-d', $node->connstr('clean'),
		'-f', "$dumps/clean.sql" ])
{
	my ($name, @command) = @$how;
	my $had = contents($node, 'clean');
	$node->command_fails_like(\@command, qr/extension authfort is protected from being dropped/,
		"$name needs authfort.allow_drop");
	local $ENV{PGOPTIONS} = '-c client_min_messages=warning -c authfort.allow_drop=on';
	restore_quietly($node, $name, @command);
	check($node, 'clean', $name);
}

# Another major version that the extension is installed for.
my ($major) = $node->config_data('--version') =~ /(\d+)/;
my @others = grep { -x "$_/bin/initdb" && `$_/bin/pg_config --version` !~ /PostgreSQL $major\b/
	&& -e (`$_/bin/pg_config --sharedir` =~ s/\n//r) . '/extension/authfort.control' }
  defined $ENV{AUTHFORT_OTHER_INSTALL} ? $ENV{AUTHFORT_OTHER_INSTALL} : reverse sort glob '/usr/lib/postgresql/*';
SKIP:
{
	unless (@others)
	{
		diag('NOT TESTED: restoring into another major version, for which authfort is not installed here');
		skip 'no other major version with authfort', 1;
	}
	my $other = start_node('other', @options, new => [ install_path => $others[0] ]);
	copy($node->data_dir . '/authfort_master.key', $other->data_dir . '/authfort_master.key') or die $!;
	chmod 0600, $other->data_dir . '/authfort_master.key';
	create_database($other, 'app');
	restore_in_parallel($other, "into $others[0]", 4, 'app', "$dumps/app.dir", "$others[0]/bin/");
	check($other, 'app', 'another major version');
	$other->stop;
}

$node->stop;
done_testing();
