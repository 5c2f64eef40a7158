# The log holds nothing of a sensitive message, whatever is logged; all other
# messages are logged as they are.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(create_database start_node);
use DBD::Pg qw(:async);
use DBI;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $libraries = 'auto_explain, pg_stat_statements, pgaudit';
my $node = start_node('silent', init => [ allows_streaming => 'logical' ], preload => $libraries, database => undef,
	conf => <<CONF);
logging_collector = on
log_destination = 'stderr, csvlog, jsonlog'
log_rotation_age = 0
log_rotation_size = 0
log_statement = all
log_min_duration_statement = 0
log_min_messages = debug2
log_error_verbosity = verbose
log_parameter_max_length = -1
log_parameter_max_length_on_error = -1
log_disconnections = on
log_replication_commands = on
debug_print_parse = on
debug_print_rewritten = on
debug_print_plan = on
log_lock_waits = on
deadlock_timeout = '10ms'
max_prepared_transactions = 2
auto_explain.log_min_duration = 0
auto_explain.log_nested_statements = on
auto_explain.log_analyze = on
auto_explain.log_verbose = on
pg_stat_statements.track = all
pg_stat_statements.track_planning = on
pgaudit.log = 'all'
pgaudit.log_catalog = on
pgaudit.log_relation = on
pgaudit.log_parameter = on
restart_after_crash = on
CONF
create_database($node, 'app');

my $count = 0;
my %planted;

# A secret that can be found again, with the name of where it was used.
sub plant
{
	my ($where) = @_;
	my $secret = sprintf 'planted%03dsecret', ++$count;
	$planted{$secret} = $where;
	return $secret;
}

sub with_secrets
{
	my ($text, $where) = @_;
	$text =~ s/\{s\}/plant($where \/\/ $text)/ge;
	return $text;
}

sub leaks
{
	my ($text) = @_;
	my %found = map { $_ => 1 } $text =~ /(planted\d{3}secret)/g;
	return [ map { "$_: $planted{$_}" } sort keys %found ];
}

sub session
{
	my ($dsn) = @_;
	return DBI->connect('dbi:Pg:' . ($dsn // $node->connstr('app')), '', '',
		{ RaiseError => 0, PrintError => 0, PrintWarn => 0, pg_server_prepare => 1 })
	  // die $DBI::errstr;
}

# The log in one of the formats; only new parts are read.
my %logged;
sub log_files
{
	my ($ending) = @_;
	foreach my $file (glob($node->data_dir . "/log/*$ending"))
	{
		my $offset = length($logged{$ending}{$file} // '');
		$logged{$ending}{$file} .= slurp_file($file, $offset) if -s $file > $offset;
	}
	return join '', map { $logged{$ending}{$_} } sort keys %{ $logged{$ending} };
}

sub remove_logs
{
	unlink glob($node->data_dir . '/log/*');
	%logged = ();
	return;
}

# All that was logged, in all formats, once it has come as far as now.
my $markers = 0;
sub all_logs
{
	my $marker = sprintf 'end of log %d of %d', ++$markers, $$;
	$node->safe_psql('postgres', "DO \$\$ BEGIN RAISE LOG '$marker'; END \$\$");
	my $deadline = time + 180;
	foreach my $ending (qw(.log .csv .json))
	{
		sleep 0.02 until log_files($ending) =~ /\Q$marker\E/ || time > $deadline;
	}
	return join '', map { log_files($_) } qw(.log .csv .json);
}

# The JSON records of a session.
sub records
{
	my ($pid) = @_;
	all_logs();
	# but for a line that is still being written
	return map { decode_json($_) } grep { /"pid":$pid,/ && /\n\z/ } split /^/, log_files('.json');
}

# Waits until a session has logged a record for which the condition is true.
sub wait_for_record
{
	my ($pid, $condition) = @_;
	my $deadline = time + 180;
	until (grep { $condition->($_) } records($pid))
	{
		die 'timed out: a record in the log' if time > $deadline;
		sleep 0.05;
	}
	return;
}

# Without the library all of this can be read: the test would find a leak.
my $mistaken = "SELECT authfort.login('a', '{s}')";
my $dbh = session();
$dbh->do(with_secrets($mistaken));
is($dbh->state, '3F000', 'a call without the extension fails');
all_logs();
foreach my $ending (qw(.log .csv .json))
{
	is(scalar @{ leaks(log_files($ending)) }, 1, "without the library its text is in $ending");
}
is(scalar @{ leaks($dbh->selectrow_array("SELECT string_agg(query, ' ') FROM pg_stat_activity")
	. $dbh->selectrow_array("SELECT 'planted001secret'")) }, 1,
		'pg_stat_activity shows one secret without the library');
$dbh->disconnect;

$node->stop;
remove_logs();
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "'authfort, $libraries'");
$node->append_conf('postgresql.conf', "authfort.argon2_memory = '1MB'\nauthfort.argon2_time_cost = 1");
$node->start;
%planted = ();
my $quietly = 'SET log_statement = none; SET log_min_duration_statement = -1; SET log_min_messages = info; '
	. 'SET pgaudit.log = none; SET auto_explain.log_min_duration = -1;'
  . ' SET debug_print_parse = off; SET debug_print_rewritten = off; SET debug_print_plan = off;';
$node->safe_psql('app', $quietly . <<'SQL');
CREATE EXTENSION authfort;
CREATE EXTENSION pg_stat_statements;
CREATE EXTENSION pgaudit;
SELECT FROM authfort.create_user('a@example.com', 'correct horse');
CREATE FUNCTION sign_in(e text, p text) RETURNS jsonb LANGUAGE plpgsql AS $$ DECLARE r jsonb;
	BEGIN r := authfort.login(e, p); RETURN r; END $$;
CREATE FUNCTION sign_in_by_sql(e text, p text) RETURNS jsonb LANGUAGE sql AS $$ SELECT sign_in(e, p) $$;
CREATE FUNCTION sign_in_dynamic(e text, p text) RETURNS jsonb LANGUAGE plpgsql AS $$ DECLARE r jsonb; BEGIN
	EXECUTE 'SELECT authfort.login($1, $2)' INTO r USING e, p; RETURN r; END $$;
CREATE FUNCTION sign_in_and_raise(e text, p text, state text) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN
	PERFORM authfort.login(e, p); RAISE EXCEPTION 'no % with %', e, p
	USING ERRCODE = state, DETAIL = p, HINT = 'other than ' || p, TABLE = p, CONSTRAINT = p, SCHEMA = p; END $$;
CREATE FUNCTION raises(p text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not %', p; END $$;
CREATE PROCEDURE sign_in_commit_and_raise(e text, p text) LANGUAGE plpgsql AS $$ BEGIN
	PERFORM authfort.login(e, p); COMMIT; RAISE EXCEPTION 'no % with %', e, p; END $$;
CREATE FUNCTION take_token(t text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
	PERFORM set_config('auth' || 'fort.jwt', t, true); RAISE EXCEPTION 'not %', t; END $$;
CREATE TABLE kept (p text, n int NOT NULL, CONSTRAINT "short enough" CHECK (length(p) < 30));
CREATE TABLE late (p text CONSTRAINT "once only" UNIQUE DEFERRABLE INITIALLY DEFERRED);
CREATE FUNCTION late_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.p LIKE 'bad%' THEN RAISE
	EXCEPTION 'not %', NEW.p; END IF; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
	EXECUTE FUNCTION late_trigger();
CREATE FUNCTION sign_in_and_keep(p text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM authfort.login('a', p);
	INSERT INTO kept VALUES (p || repeat('x', 20), 1); END $$;
CREATE TABLE inbox (e text, p text);
CREATE FUNCTION inbox_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE r jsonb;
	BEGIN r := authfort.login(NEW.e, NEW.p); RETURN NULL; END $$;
CREATE TRIGGER inbox BEFORE INSERT ON inbox FOR EACH ROW EXECUTE FUNCTION inbox_trigger();
CREATE ROLE member;
CREATE ROLE tenant LOGIN;
GRANT USAGE ON SCHEMA authfort TO tenant;
SQL

# Each with the SQLSTATE that the client gets.
my @named = (
	[ "SELECT authfort.signup('b\@example.com', '{s}', name => '{s}')", '' ],
	[ "SELECT authfort.login('a\@example.com', '{s}') ->> 'error'", '' ],
	[ "SELECT AuthFort.LogIn('a', '{s}')", '' ],
	[ "SELECT \"authfort\" . \"login\" /* spaced out */ (E'a\\x40example.com', \$x\${s}\$x\$)", '' ],
	[ "SELECT app.authfort.login('a', '{s}')", '' ],
	[ "SELECT authfort.login('a', '{s}'), authfort.uid()", '' ],
	[ "SELECT authfort.uid(), '{s}', authfort.logout('x')", '' ],
	[ "WITH p AS (SELECT '{s}' AS secret) SELECT authfort.login('a', secret) FROM p", '' ],
	[ "SELECT '{s}'; SELECT authfort.login('a', '{s}'); SELECT 2", '' ],
	[ "SELECT authfort.http('POST', '/auth/login', headers => '{\"content-type\": \"application/json\"}', body => "
		. "'{\"email\": \"a\", \"password\": \"{s}\"}')", '' ],
	[ "SELECT authfort_api.login('{\"email\": \"a\", \"password\": \"{s}\"}')", '' ],
	[ "SELECT authfort.reset_password('{s}', '{s}')", '' ],
	[ "SELECT authfort.change_password(gen_random_uuid(), '{s}', '{s}')", '42704|P0002' ],
	[ "SELECT authfort.create_user('c\@example.com', '{s}', email_verified => true)", '' ],
	[ "SELECT authfort.refresh('{s}')", '' ],
	[ "SELECT authfort.logout('{s}')", '' ],
	[ "SELECT authfort.verify_jwt('{s}')", '28000' ],
	[ "SELECT authfort.set_jwt('{s}')", '28000' ],
	[ "SELECT authfort.authenticate('{s}')", '28000' ],
	[ "SELECT authfort.try_verify_jwt('{s}')", '' ],
	# with mistakes
	[ "SELECT authfort.login('a', '{s}', 1, 2, 3, 4)", '42883' ],
	[ "SELECT authfort.login('a', {s})", '42703' ],
	[ "SELECT authfort.login('a', '{s}' x)", '42601' ],
	[ "SELECT authfort.login('a', '{s})", '42601' ],
	[ "SELECT authfort.login('a', \$\${s})", '42601' ],
	[ "SELECT authfort.logn('a', '{s}')", '42883' ],
	[ "SELECT authfort,login('a', '{s}')", '42703' ],
	[ "SELECT \"authfort.login\"('a', '{s}')", '42883' ],
	[ "SELECT authfort.login('a', '{s}'), 1 / 0", '22012' ],
	[ "SELECT authfort.login('a', '{s}', ip_address => '{s}')", '22P02' ],
	[ "SELECT authfort.change_password('{s}', 'x', 'y')", '22P02' ],
	[ "SELECT authfort_api.login('{\"email\": \"a\", \"password\": \"{s}\" x}')", '22P02' ],
	[ "-- references\nSELECT authfort.login('a', '{s}'), 1 / 0", '22012' ],
	[ "SELECT 1 AS references authfort.login('a', '{s}')", '42601' ],
	[ "comment\nSELECT authfort.login('a', '{s}')", '42601' ],
	[ "INSERT INTO kept VALUES ('{s}', NULL) -- authfort", '23502' ],
	[ "INSERT INTO kept VALUES ('{s}' || repeat('x', 20), 1) -- authfort", '23514' ],
	[ "COPY authfort.users (email) FROM STDIN", '22P04|23502' ],
	[ "DO \$\$ BEGIN PERFORM authfort.login('a', '{s}'); END \$\$", '' ],
	[ "DO \$\$ DECLARE p text := '{s}'; BEGIN PERFORM authfort.login('a', p); RAISE EXCEPTION 'bad %', p; END \$\$",
		'P0001' ],
	[ "DO \$\$ BEGIN RAISE WARNING '{s}' USING DETAIL = '{s}', HINT = '{s}'; "
		. "PERFORM authfort.uid(), authfort.login('a', '{s}'); END \$\$", '' ],
	[ "CREATE OR REPLACE FUNCTION holds() RETURNS void LANGUAGE plpgsql AS \$\$ BEGIN "
		. "PERFORM authfort.login('a', '{s}', ip_address => '{s}'); END \$\$", '' ],
	[ 'SELECT holds()', '22P02' ],
	[ "EXPLAIN (ANALYZE, VERBOSE) SELECT authfort.login('a', '{s}')", '' ],
	[ "CREATE TABLE t AS SELECT authfort.login('a', '{s}') AS x", '' ],
	[ "CREATE VIEW v AS SELECT authfort.login('a', '{s}') AS x", '' ],
	[ 'SELECT * FROM v', '' ],
	[ "COPY (SELECT authfort.login('a', '{s}')) TO '/dev/null'", '' ],
	# later messages that continue a sensitive one
	[ "PREPARE p (text) AS SELECT authfort.login('a', \$1), '{s}'", '' ],
	[ "EXECUTE p('{s}')", '' ],
	[ "EXECUTE p('{s}', 2)", '42601' ],
	[ "BEGIN; DECLARE c CURSOR FOR SELECT authfort.login('a', '{s}'); FETCH c; COMMIT", '' ],
	[ 'BEGIN', '' ], [ "DECLARE c CURSOR FOR SELECT raises('{s}'), authfort.uid(), authfort.login('a', '{s}')", '' ],
	[ 'FETCH c', 'P0001' ], [ 'ROLLBACK', '' ],
	[ 'BEGIN', '' ], [ "DECLARE c CURSOR WITH HOLD FOR SELECT raises('{s}'), authfort.login('a', '{s}')", '' ],
	[ 'COMMIT', 'P0001' ],
	[ 'BEGIN', '' ], [ "INSERT INTO late VALUES ('{s}' || authfort.version()) -- authfort", '' ],
	[ "INSERT INTO late SELECT p FROM late", '' ], [ 'COMMIT', '23505' ],
	[ 'BEGIN', '' ], [ "INSERT INTO late VALUES ('bad{s}') -- authfort", '' ],
	[ 'SET CONSTRAINTS ALL IMMEDIATE', 'P0001' ], [ 'ROLLBACK', '' ],
	[ 'BEGIN', '' ], [ "INSERT INTO late VALUES ('bad{s}') -- authfort", '' ], [ "PREPARE TRANSACTION 'x'", 'P0001' ],
	# settings, and names of authfort.log_redact_names
	[ "SET authfort.jwt = '{s}'", '' ],
	[ "SET \"authfort.jwt\" = '{s}'", '' ],
	[ "SET authfort.jwt {s}", '42601' ],
	[ "BEGIN; SET LOCAL AUTHFORT.JWT = '{s}'; COMMIT", '' ],
	[ "SELECT set_config('authfort.jwt', '{s}', false)", '' ],
	[ "ALTER ROLE CURRENT_USER SET authfort.jwt = '{s}'", '' ],
	[ 'ALTER ROLE CURRENT_USER RESET authfort.jwt', '' ],
	[ "UPDATE pg_settings SET setting = '{s}' WHERE name = 'authfort.jwt'", '' ],
	[ "SELECT set_config('request.headers', '{\"authorization\": \"Bearer {s}\"}', true)", '' ],
	[ "SELECT set_config('request.cookies', '{\"refresh_token\": \"{s}\"}', true)", '' ],
	[ "SET Request.Headers = '{s}'", '' ],
	[ "SELECT '{s}' AS \"request.cookies\", 1 / 0", '22012' ],
	[ "SET authfort.log_redact_names = 'request.headers, app_sign_in'", '' ],
	[ "SELECT app_sign_in('{s}')", '42883' ],
	[ 'RESET authfort.log_redact_names', '' ],
	[ "SET authfort.jwt = ''", '' ]);

# Messages that are recognized only once a function of authfort is called, after log_statement.
my @reaching = (
	[ "SELECT sign_in('a', '{s}'), 1 / (random() > 2)::int", '22012' ],
	[ "SELECT sign_in_by_sql('a', '{s}')", '' ],
	[ "SELECT sign_in_dynamic('a', '{s}'), 1 / (random() > 2)::int", '22012' ],
	[ "SELECT sign_in_and_raise('a', '{s}', 'P0001')", 'P0001' ],
	[ "SELECT sign_in_and_raise('a', '{s}', '40001')", '40001' ],
	[ "SELECT sign_in_and_raise('a', '{s}', '57014')", '57014' ],
	[ "SELECT take_token('{s}')", 'P0001' ],
	[ "CALL sign_in_commit_and_raise('a', '{s}')", 'P0001' ],
	[ "SELECT sign_in_and_keep('{s}')", '23514' ],
	[ "INSERT INTO inbox VALUES ('a', '{s}') RETURNING 1", '' ],
	[ "INSERT INTO inbox VALUES ('a', '{s}'), ('a', (1 / (random() < 2)::int - 1)::text), ('{s}', (1 / (random() > "
		. "2)::int)::text)", '22012' ],
	[ "DO \$\$ BEGIN PERFORM sign_in('a', '{s}'); RAISE EXCEPTION '{s}'; END \$\$", 'P0001' ],
	[ "SELECT U&\"\\0061uthfort\".login('a', '{s}'), 1 / (random() > 2)::int", '22012' ],
	[ "PREPARE later (text) AS SELECT authfort.login('a', \$1)", '' ],
	[ "EXPLAIN (ANALYZE, VERBOSE) EXECUTE later('{s}')", '' ],
	[ "CREATE TEMPORARY TABLE made AS EXECUTE later('{s}', 1)", '42601' ],
	[ "EXECUTE later('{s}', 1); SELECT 1", '42601' ],
	[ "SET search_path = authfort", '' ],
	[ "SELECT login('a', '{s}'), 1 / (random() > 2)::int", '22012' ],
	[ "SELECT verify_jwt('{s}')", '28000' ],
	[ "SELECT set_config(E'authf\\x6frt.jwt', '{s}', false), 1 / (random() > 2)::int", '22012' ],
	[ 'RESET search_path', '' ]);

my @with_parameters = (
	[ 'SELECT authfort.login(?, ?)', '', 'a@example.com', '{s}' ],
	[ "SELECT authfort.login(?, '{s}')", '', 'a@example.com' ],
	[ 'SELECT authfort.login(?, ?, ip_address => ?)', '22P02', 'a@example.com', '{s}', '{s}' ],
	[ 'SELECT authfort.login(?, ?), 1 / (random() > 2)::int', '22012', 'a@example.com', '{s}' ],
	[ 'SELECT authfort.change_password(?, ?, ?)', '22P02', '{s}', '{s}', '{s}' ],
	[ 'SELECT status FROM authfort.http($1::text, $2::text, $3::text, $4::jsonb, $5::text, $6::inet)', '', 'POST',
		'/auth/login', undef,
		'{"authorization": "Bearer {s}", "content-type": "application/json"}', '{"email": "a", "password": "{s}"}',
			undef ],
	[ 'SELECT authfort.verify_jwt(?)', '28000', '{s}' ],
	[ "SELECT set_config('request.headers', ?, true)", '', '{"authorization": "Bearer {s}"}' ],
	[ "SET authfort.jwt = '{s}'", '' ],
	[ "DO \$\$ BEGIN PERFORM authfort.login('a', '{s}'); END \$\$", '' ],
	[ 'INSERT INTO late VALUES ($1), ($1) -- authfort', '23505', '{s}' ],
	[ 'INSERT INTO late VALUES (?) -- authfort', 'P0001', 'bad{s}' ]);
my @parameters_reaching = (
	[ 'SELECT sign_in(?, ?), 1 / (random() > 2)::int', '22012', 'a', '{s}' ],
	[ 'SELECT sign_in_and_raise($1, $2, $3)', 'P0001', 'a', '{s}', 'P0001' ],
	[ 'CALL sign_in_commit_and_raise(?, ?)', 'P0001', 'a', '{s}' ],
	[ 'SELECT set_config(?, ?, true), 1 / (random() > 2)::int', '22012', 'authfort.jwt', '{s}' ]);

my $monitor;
sub activity_is_silent
{
	my ($where) = @_;
	return is_deeply(leaks(join "\n",
		$monitor->selectrow_array("SELECT string_agg(query, ' ') FROM pg_stat_activity")), [],
			"pg_stat_activity after: $where");
}

sub matches_state
{
	my ($dbh, $expected, $where) = @_;
	return like($dbh->state // '', qr/^(?:$expected)$/, "SQLSTATE of: $where");
}

sub simple
{
	my ($dbh, $sql, $state) = @_;
	$dbh->do(with_secrets($sql));
	if ($sql =~ /FROM STDIN/)
	{
		$dbh->pg_putcopydata(with_secrets("{s}\t{s}\n"));
		$dbh->pg_putcopyend;
	}
	matches_state($dbh, $state, $sql);
	# a message that is not analyzed is shown as it is until the next one
	return $state =~ /^42601/ ? 1 : activity_is_silent($sql);
}

# By the extended protocol, as a prepared statement that is executed twice.
sub extended
{
	my ($dbh, $sql, $state, @parameters) = @_;
	my $text = with_secrets($sql);
	my @values = map { defined $_ ? with_secrets($_, $sql) : undef } @parameters;
	foreach (1, 2)
	{
		my $sth = $dbh->prepare($text, { pg_server_prepare => 1, pg_prepare_now => 1 });
		$sth->execute(@values) if $sth;
		matches_state($dbh, $state, $sql);
		$sth->finish if $sth;
	}
	return activity_is_silent($sql);
}

# Waits until the session waits for a lock, and returns the query that pg_stat_activity shows.
sub shown_while_waiting
{
	my ($dbh) = @_;
	my $pid = $dbh->{pg_pid};
	$node->poll_query_until('app', "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $pid")
		or die 'it does not wait';
	return $monitor->selectrow_array("SELECT query FROM pg_stat_activity WHERE pid = $pid");
}

sub begin_waiting
{
	my ($sql) = @_;
	my $dbh = session();
	$dbh->do(with_secrets($sql), { pg_async => PG_ASYNC });
	return $dbh;
}

sub result
{
	my ($dbh) = @_;
	$dbh->pg_result;
	return $dbh->state;
}

# Two sessions lock each other out; returns the process ids.
sub deadlock
{
	my ($first_sql, $second_sql, $name) = @_;
	my @rivals = (session(), session());
	my @pids = map { $_->{pg_pid} } @rivals;
	$rivals[$_]->do("SELECT pg_advisory_lock($_ + 10)") foreach 0, 1;
	$rivals[1]->do(with_secrets($second_sql), { pg_async => PG_ASYNC });
	my $shown = shown_while_waiting($rivals[1]);
	# it has looked for a deadlock, so the other one will find it
	wait_for_record($pids[1], sub { ($_[0]{func_name} // '') eq 'ProcSleep' });
	$rivals[0]->do(with_secrets($first_sql));
	my $first = $rivals[0]->state;
	$rivals[0]->disconnect;
	my $second = result($rivals[1]);
	$rivals[1]->disconnect;
	like("$first $second", qr/40P01/, "$name: a deadlock");
	return ($shown, @pids);
}

sub check_all
{
	my ($order) = @_;
	$monitor = session();
	my $ours = session();
	foreach (@named)
	{
		simple($ours, @$_);
	}
	$ours->do('SET log_statement = none; SET log_min_messages = info; SET pgaudit.log = none; '
		. 'SET debug_print_parse = off; SET debug_print_rewritten = off; SET debug_print_plan = off');
	foreach (@reaching)
	{
		simple($ours, @$_);
	}
	$ours->disconnect;
	foreach my $format (qw(text json))
	{
		$ours = session();
		$ours->do("SET auto_explain.log_format = '$format'");
		extended($ours, @$_) foreach @with_parameters;
		$ours->do('SET log_statement = none; SET pgaudit.log = none; SET log_min_messages = info; '
			. 'SET log_min_duration_statement = -1');
		$ours->do('SET debug_print_parse = off; SET debug_print_rewritten = off; SET debug_print_plan = off; '
			. 'SET log_parameter_max_length_on_error = -1');
		extended($ours, @$_) foreach @parameters_reaching;
		$ours->disconnect;
	}

	# a worker has the text of its leader
	$ours = session();
	$ours->do($node->pg_version < 16 ? 'SET force_parallel_mode = regress' : 'SET debug_parallel_query = regress');
	simple($ours, "SELECT authfort.verify_jwt('{s}' || relname) FROM pg_class", '28000');
	simple($ours, "SELECT count(*) / (count(*) - count(*)) FROM pg_class WHERE relname <> '{s}' /* authfort */",
		'22012');
	$ours->do('RESET ALL');
	$ours->do('CREATE OR REPLACE FUNCTION mislabelled(t text) RETURNS jsonb LANGUAGE plpgsql PARALLEL SAFE AS $$ '
		. 'BEGIN RETURN authfort.verify_jwt(t); END $$');
	$ours->do('SET log_statement = none; SET pgaudit.log = none; SET log_min_messages = info; '
		. 'SET debug_print_parse = off; SET debug_print_rewritten = off; SET debug_print_plan = off');
	$ours->do($node->pg_version < 16 ? 'SET force_parallel_mode = on' : 'SET debug_parallel_query = on');
	simple($ours, "SELECT mislabelled('{s}' || relname) FROM pg_class", '25000');
	like($ours->errstr, qr/cannot run in a parallel worker/,
		'a function that takes a secret fails in a parallel worker');
	$ours->disconnect;

	# a message that ends in another way
	$monitor->do('SELECT pg_advisory_lock(1)');
	foreach my $end (qw(pg_cancel_backend pg_terminate_backend))
	{
		my $waiting = begin_waiting("SELECT authfort.login('a', '{s}'), pg_advisory_lock(1)");
		is(shown_while_waiting($waiting), '<hidden>', "pg_stat_activity meanwhile, before $end");
		$monitor->do("SELECT $end($waiting->{pg_pid})");
		like(result($waiting), qr/^(57|08)/, "$end ended it");
	}
	my $timeout = session();
	$timeout->do('SET statement_timeout = 1000');
	simple($timeout, "SELECT authfort.login('a', '{s}'), pg_advisory_lock(1)", '57014');
	$timeout->disconnect;
	my $failed = session();
	$failed->do('BEGIN');
	$failed->do('SELECT 1 / 0');
	simple($failed, "SELECT authfort.login('a', '{s}') x", '25P02');
	$failed->do('ROLLBACK');
	$failed->disconnect;

	my ($shown, @pids) = deadlock("SELECT authfort.login('a', '{s}'), pg_advisory_lock(11)",
		"SELECT authfort.login('a', '{s}'), pg_advisory_lock(10)", 'both ours');
	is($shown, '<hidden>', 'pg_stat_activity hides a message that waits for a lock');
	deadlock("SELECT 'foreign', pg_advisory_lock(11)", "SELECT authfort.login('a', '{s}'), pg_advisory_lock(10)",
		'one ours');

	# a walsender
	my $replication = session($node->connstr('app') . ';replication=database');
	simple($replication, "CREATE_REPLICATION_SLOT \"authfort_{s}\" LOGICAL nosuch", '42501|42704|58P01');
	simple($replication, "SELECT authfort.login('a', '{s}')", '');
	$replication->disconnect;
	$monitor->disconnect;

	is_deeply(leaks(all_logs()), [], "$order: the log holds none of $count secrets");
	my $statistics = $node->safe_psql('app', 'SELECT query FROM pg_stat_statements');
	is_deeply(leaks($statistics), [], "$order: pg_stat_statements holds none of the secrets");
	like($statistics, qr/SELECT status FROM authfort\.http\(\$1::text, \$2/,
		"$order: pg_stat_statements counts requests with parameters");
	return;
}

check_all('authfort first');

# The fields of sensitive messages that an operator can read.
my $reader = session();
my $pid = $reader->{pg_pid};
$reader->do(with_secrets($_)) foreach "SELECT authfort.verify_jwt('{s}')",
	"INSERT INTO kept VALUES ('{s}', NULL) -- authfort",
	"INSERT INTO kept VALUES ('{s}' || repeat('x', 20), 1) -- authfort",
  "SET lock_timeout = 1", "SELECT authfort.login('a', '{s}', 1, 2, 3, 4)";
$reader->do("SELECT pg_advisory_lock(1) -- authfort");
my $other = session();
$other->do('SET lock_timeout = 1');
$other->do('SELECT pg_advisory_lock(1) -- authfort');
is($other->state, '55P03', 'a lock that another session holds is not granted');
like($other->errstr, qr/canceling statement due to lock timeout/, 'the client gets the message of a lock timeout');
$reader->do(with_secrets("SELECT sign_in_and_raise('a', '{s}', '40001') -- authfort"));
like($reader->errstr, qr/no a with planted.*DETAIL:\s+planted.*HINT:\s+other than planted/s,
	'the client gets the error with detail and hint');
$reader->do(with_secrets("SELECT authfort.login('a', {s})"));
like($reader->errstr, qr/column "planted\d+secret" does not exist\nLINE 1: SELECT authfort/,
	'the client gets the error with its position');
my $other_pid = $other->{pg_pid};
$_->disconnect foreach $reader, $other;

my @errors = grep { $_->{error_severity} =~ /ERROR/ } records($pid), records($other_pid);
is_deeply([ map { "$_->{state_code} $_->{message}" } @errors ],
	[ '28000 access token refused: it is not a JWS in compact form',
		'23502 <hidden>, schema "public", table "kept"',
		'23514 <hidden>, schema "public", table "kept", constraint "short enough"',
		'42883 <hidden>', '40001 <hidden>', '42703 <hidden>',
		'55P03 canceling statement due to lock timeout' ],
			'the log keeps severity, SQLSTATE, names and harmless messages');
is_deeply([ grep { defined } map { @$_{qw(detail hint context statement internal_query cursor_position)} } @errors ],
	[], 'the log keeps no detail, hint, context, statement, query or position');
is_deeply([ grep { !defined } map { @$_{qw(user dbname session_id backend_type application_name ps
	file_name file_line_num func_name)} } @errors ], [], 'the log keeps the fields about the origin of an error');
my @durations = map { $_->{message} } grep { $_->{message} =~ /duration: / } records($pid);
ok(@durations > 2, 'durations are logged');
is_deeply([ grep { !/^duration: \d+\.\d+ ms(  <hidden>)?$/ } @durations ], [],
	'durations are logged without the statement');
ok((grep { $_->{message} =~ /^AUDIT: SESSION,\d+,\d+,WRITE,INSERT,,,<hidden>,<hidden>$/ } records($pid)),
	'an audit record keeps class and command');
like(log_files('.csv'),
	qr/,23514,"<hidden>, schema ""public"", table ""kept"", constraint ""short enough""",,,,,,,,"ExecConstraints/,
	'a CSV line keeps SQLSTATE, names and location');
like(log_files('.log'), qr/ERROR:  57P01: terminating connection|FATAL:  57P01: terminating connection/,
	'a FATAL is logged');
wait_for_record($pid, sub { $_[0]{message} =~ /^disconnection: session time: / });
ok((grep { $_->{message} =~ /^disconnection: session time: / } records($pid)), 'a disconnection is logged');
like(log_files('.json'), qr/"message":"deadlock detected","func_name"/,
	'a deadlock of two sensitive messages is logged without detail');
like(log_files('.json'), qr/"message":"deadlock detected","detail":"[^"]*Process \d+: <hidden>/,
	'a deadlock that ends another message is logged with a redacted detail');

# All other messages are logged as they are.
foreach my $sql (
	"SELECT 'ordinary', authfort.uid(), authfort.has_role('admin'), \"current_user\"()",
	'CREATE TABLE ordinary (u uuid REFERENCES authfort.users (id) ON DELETE CASCADE, login text DEFAULT \'ordinary\')',
	'CREATE TABLE ordinary_too (u uuid REFERENCES "authfort"."users")',
	"INSERT INTO ordinary (login) VALUES ('ordinary')",
	"SELECT set_config('app.tenant', 'ordinary', false)",
	"SET app.tenant = 'ordinary'",
	"SELECT login('a', 'ordinary')",
	"DO \$\$ BEGIN RAISE NOTICE 'ordinary'; END \$\$",
	"SELECT 'ordinary' x y",
	"PREPARE o (text) AS SELECT \$1, 'ordinary'",
	"EXECUTE o('ordinary')",
	'BEGIN', "DECLARE o CURSOR FOR SELECT 'ordinary'", 'FETCH o', 'COMMIT',
	"SELECT autfort.login('a', 'misspelt')")
{
	my $foreign = session();
	my $foreign_pid = $foreign->{pg_pid};
	# trees name schemas, and foreign keys are looked up by statements
	$foreign->do('SET debug_print_parse = off; SET debug_print_rewritten = off; SET debug_print_plan = off; '
		. 'SET auto_explain.log_nested_statements = off');
	$foreign->do($sql);
	my $state = $foreign->state;
	$foreign->disconnect;
	my @records = records($foreign_pid);
	ok((grep { $_->{message} eq "statement: $sql" } @records), "logged as it is: $sql") if $state ne '42601';
	ok((grep { ($_->{statement} // '') eq $sql } @records), "also with its error: $sql") if $state ne '';
	is_deeply([ map { $_->{message} } grep { $_->{message} =~ /<hidden>/ } @records ], [],
		"nothing is hidden of: $sql");
}
my $foreign = session();
my $foreign_pid = $foreign->{pg_pid};
my $sth = $foreign->prepare('SELECT ?::text', { pg_server_prepare => 1 });
$sth->execute('ordinary parameter');
$sth->finish;
$foreign->do('BEGIN');
$foreign->do("SELECT authfort.login('a', 'x')");
$foreign->do("SELECT 'between'");
$foreign->do('COMMIT');
$foreign->disconnect;
like(join("\n", map { $_->{detail} // '' } records($foreign_pid)), qr/parameters: \$1 = 'ordinary parameter'/i,
	'the parameters of other messages are logged as they are');
my @between = grep { $_->{message} =~ /'between'/ } records($foreign_pid);
ok(@between > 2, 'a message between sensitive ones is logged');
ok((grep { $_->{message} =~ /^duration: \S+ ms$/ && $_->{ps} eq 'COMMIT' } records($foreign_pid)),
	'the end of a transaction with a sensitive message is logged');

# A sensitive message fails; the session then waits too long.
my $idle = session();
my $idle_pid = $idle->{pg_pid};
$idle->do("SET idle_in_transaction_session_timeout = 100");
$idle->do('BEGIN');
$idle->do("SELECT authfort.login('a', 'x')");
wait_for_record($idle_pid, sub { ($_[0]{state_code} // '') eq '25P03' });
is_deeply([ map { $_->{message} } grep { ($_->{state_code} // '') eq '25P03' } records($idle_pid) ],
	['terminating connection due to idle-in-transaction timeout'], 'an idle-in-transaction timeout is logged');
$idle->disconnect;

# A report on the memory of a session shows its prepared statements.
my $remembers = session();
$remembers->do(with_secrets("PREPARE remembered AS SELECT authfort.login('a', '{s}')"));
$node->safe_psql('app', "SELECT pg_log_backend_memory_contexts($remembers->{pg_pid})");
wait_for_record($remembers->{pg_pid}, sub { $_[0]{message} =~ /^Grand total/ });
ok((grep { $_->{message} =~ /TopMemoryContext/ } records($remembers->{pg_pid})), 'a report on memory is logged');
$remembers->do("SELECT 'after the report'");
ok((grep { $_->{message} =~ /statement: SELECT 'after the report'/ } records($remembers->{pg_pid})),
	'the message after a report on memory is logged');
$remembers->disconnect;

# Only a role that may change the server's settings chooses what is hidden.
my $tenant = session($node->connstr('app') . ';user=tenant');
$tenant->do("SET authfort.log_redact_names = ''");
is($tenant->state, '42501', 'an ordinary role cannot set log_redact_names');
$tenant->do("ALTER ROLE tenant SET authfort.log_redact_names = ''");
is($tenant->state, '42501', 'an ordinary role cannot set log_redact_names by ALTER ROLE');
$tenant->disconnect;

# Every function of authfort with an argument for a secret marks the message itself.
my $caller = session();
$caller->do('SET log_statement = none; SET pgaudit.log = none; SET log_min_messages = info; '
	. 'SET debug_print_parse = off; SET debug_print_rewritten = off; SET debug_print_plan = off');
my $called = 0;
foreach my $row (@{ $caller->selectall_arrayref(<<'SQL') })
SELECT pronamespace::regnamespace, format('%I', p.proname), array_to_string(ARRAY(SELECT CASE t::regtype::text
		WHEN 'text' THEN '''{s}''' WHEN 'text[]' THEN 'ARRAY[''{s}'']' WHEN 'json'
			THEN '''{"token": "{s}"}''' WHEN 'jsonb' THEN '''{"token": "{s}"}'''
		WHEN 'uuid' THEN 'gen_random_uuid()' WHEN 'boolean' THEN 'true' ELSE 'NULL' END FROM unnest(p.proargtypes)
			WITH ORDINALITY a (t, n) ORDER BY n), ', ')
	FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid JOIN pg_extension e ON e.oid = d.refobjid
	WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e' AND e.extname = 'authfort'
		AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
	AND ('json'::regtype = ANY (proargtypes)
		OR EXISTS (SELECT FROM unnest(p.proargnames) a WHERE a IN ('password', 'new_password', 'old_password', 'token',
			'refresh_token', 'access_token', 'code', 'secret', 'body', 'headers')))
	ORDER BY 1, 2
SQL
{
	my ($schema, $function, $arguments) = @$row;
	$called++;
	$caller->do("SET search_path = $schema");
	$caller->do(with_secrets("SELECT $function($arguments), 1 / (random() > 2)::int", "$schema.$function"));
	isnt($caller->state, '', "$schema.$function() fails");
	is($node->safe_psql('app', "SELECT query FROM pg_stat_activity WHERE pid = $caller->{pg_pid}"), '<hidden>',
		"$schema.$function() hides its message");
}
ok($called > 15, "$called functions were called");
$caller->disconnect;
is_deeply(leaks(all_logs()), [], 'the log holds no secret argument of any function');

# The postmaster logs changed settings, and the query of a backend that crashed.
$monitor = session();
$monitor->do(with_secrets("ALTER SYSTEM SET authfort.master_key_command = '{s}'"));
$node->reload;
$node->poll_query_until('app', "SELECT setting LIKE 'planted%' FROM pg_settings "
	. "WHERE name = 'authfort.master_key_command'") or die 'it is not read';
$monitor->do('ALTER SYSTEM RESET authfort.master_key_command');
$monitor->do("ALTER SYSTEM SET authfort.access_token_ttl = '7min'");
$node->reload;
$node->poll_query_until('app', "SELECT setting NOT LIKE 'planted%' FROM pg_settings "
	. "WHERE name = 'authfort.master_key_command'") or die 'it is not read';
like(all_logs(), qr/parameter "authfort.master_key_command" changed to <hidden>/,
	'the log of a reload names a changed secret and hides its value');
like(all_logs(), qr/parameter "authfort.access_token_ttl" changed to "7min"/,
	'the log of a reload shows the value of other settings');

$monitor->do('SELECT pg_advisory_lock(1)');
my $waiting = begin_waiting("SELECT authfort.login('a', '{s}'), pg_advisory_lock(1)");
shown_while_waiting($waiting);
kill 'KILL', $waiting->{pg_pid};
result($waiting);
# its end is noticed after that of its connection
my $deadline = time + 180;
sleep 0.05 while -e "/proc/$waiting->{pg_pid}" && time < $deadline;
ok($node->poll_query_until('app', 'SELECT true'), 'the server starts again after a crash');
my $killed = qr/LOG:  \S+ [^\n]*\(PID \d+\) was terminated by signal 9: Killed/;
like(all_logs(), qr/$killed\n[^\n]*DETAIL:  Failed process was running: <hidden>/,
	'the log hides the message of a crashed backend');
is_deeply(leaks(all_logs()), [], 'the log of a crash holds no secret');
$_->{InactiveDestroy} = 1 foreach $waiting, $monitor;

# The order of the libraries does not matter.
$node->stop;
remove_logs();
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries',
	"'pgaudit, pg_stat_statements, auto_explain, authfort'");
$node->start;
$node->safe_psql('app', $quietly . 'DROP TABLE t; DROP VIEW v; SELECT pg_stat_statements_reset(); DELETE '
	. 'FROM authfort.users WHERE email <> \'a@example.com\'');
check_all('authfort last');
$node->stop;
done_testing();
