# Passwords, tokens, codes and keys stay out of the log, pg_stat_activity and
# pg_stat_statements, whatever is logged.
use strict;
use warnings FATAL => 'all';

use DBD::Pg qw(:async);
use DBI;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('silent');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
shared_preload_libraries = 'authfort, auto_explain, pg_stat_statements, pgaudit'
authfort.argon2_memory = '1MB'
authfort.argon2_time_cost = 1
logging_collector = on
log_destination = 'stderr, csvlog, jsonlog'
log_statement = all
log_min_duration_statement = 0
log_min_messages = debug2
log_error_verbosity = verbose
log_parameter_max_length = -1
log_parameter_max_length_on_error = -1
debug_print_parse = on
debug_print_rewritten = on
debug_print_plan = on
log_lock_waits = on
deadlock_timeout = '10ms'
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
pgaudit.log_rows = on
restart_after_crash = on
CONF
$node->start;
$node->safe_psql('postgres', "CREATE DATABASE app TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'");
$node->safe_psql('app', <<'SQL');
CREATE EXTENSION authfort;
CREATE EXTENSION pg_stat_statements;
CREATE EXTENSION pgaudit;
SELECT FROM authfort.create_user('a@example.com', 'correct horse');
CREATE FUNCTION sign_in(e text, p text) RETURNS jsonb LANGUAGE plpgsql AS $$ DECLARE r jsonb; BEGIN r := authfort.login(e, p); RETURN r; END $$;
CREATE FUNCTION sign_in_by_sql(e text, p text) RETURNS jsonb LANGUAGE sql AS $$ SELECT sign_in(e, p) $$;
CREATE FUNCTION sign_in_atomic(e text, p text) RETURNS jsonb LANGUAGE sql BEGIN ATOMIC SELECT authfort.login(e, p); END;
CREATE FUNCTION sign_in_dynamic(e text, p text) RETURNS jsonb LANGUAGE plpgsql AS $$ DECLARE r jsonb; BEGIN EXECUTE 'SELECT authfort.login($1, $2)' INTO r USING e, p; RETURN r; END $$;
CREATE FUNCTION sign_in_by_path(e text, p text) RETURNS jsonb LANGUAGE plpgsql SET search_path = authfort AS $$ BEGIN RETURN login(e, p); END $$;
CREATE FUNCTION sign_in_or_tell(e text, p text) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN PERFORM authfort.login(e, p); RAISE EXCEPTION 'no % with %', e, p USING DETAIL = p, HINT = 'other than ' || p; END $$;
CREATE PROCEDURE sign_in_procedure(e text, p text) LANGUAGE plpgsql AS $$ BEGIN PERFORM authfort.login(e, p); END $$;
CREATE FUNCTION take_token(t text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE r text; BEGIN SELECT set_config('authfort.jwt', x, true) INTO r FROM (VALUES (t)) v (x); RETURN r; END $$;
CREATE FUNCTION login(e text, p text) RETURNS text LANGUAGE sql AS $$ SELECT e || p $$;
CREATE FUNCTION sign_in_aggregated(s text, p text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM authfort.login('a', p); RETURN p; END $$;
CREATE AGGREGATE sign_all_in(text) (SFUNC = sign_in_aggregated, STYPE = text);
CREATE FUNCTION sign_in_in_a_circle(p text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN IF false THEN PERFORM circle(p); END IF; PERFORM authfort.login('a', p); END $$;
CREATE FUNCTION circle(p text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM sign_in_in_a_circle(p); END $$;
CREATE FUNCTION sign_in_without_schema(p text) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN login('a', p); END $$;
CREATE PROCEDURE sign_in_commit_and_tell(e text, p text) LANGUAGE plpgsql AS $$ BEGIN PERFORM authfort.login(e, p); COMMIT; RAISE EXCEPTION 'no % with %', e, p; END $$;
CREATE TABLE kept (p text, n int NOT NULL);
CREATE FUNCTION sign_in_and_keep(p text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM authfort.login('a', p); INSERT INTO kept VALUES (p || repeat('x', 80), NULL); END $$;
CREATE TABLE inbox (e text, p text);
CREATE FUNCTION inbox_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE r jsonb; BEGIN r := authfort.login(NEW.e, NEW.p); RETURN NULL; END $$;
CREATE TRIGGER inbox BEFORE INSERT ON inbox FOR EACH ROW EXECUTE FUNCTION inbox_trigger();
CREATE VIEW inbox_view AS SELECT e, p FROM inbox;
CREATE TRIGGER inbox INSTEAD OF INSERT ON inbox_view FOR EACH ROW EXECUTE FUNCTION inbox_trigger();
CREATE FUNCTION put_into_inbox(e text, p text) RETURNS void LANGUAGE sql AS $$ INSERT INTO inbox VALUES (e, p) $$;
CREATE OPERATOR public.<#> (FUNCTION = authfort.try_verify_jwt, RIGHTARG = text);
SQL

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

sub session
{
	return DBI->connect('dbi:Pg:' . $node->connstr('app'), '', '', { RaiseError => 1, PrintError => 0, PrintWarn => 0 });
}

sub all_logs
{
	return join '', map { slurp_file($_) } glob($node->data_dir . '/log/*'), $node->logfile;
}

sub leaks
{
	my ($text) = @_;
	my %found = map { $_ => 1 } $text =~ /(planted\d{3}secret)/g;
	return [ map { $planted{$_} } sort keys %found ];
}

my $monitor;

# Runs statements by the simple protocol, {s} being secrets; an error is as good as an answer.
sub simple
{
	my ($dbh, $sql) = @_;
	my $where = $sql;
	$sql =~ s/\{s\}/plant($where)/ge;
	eval { $dbh->do($sql) };
	my $error = $@;
	is_deeply(leaks(join "\n", $monitor->selectrow_array("SELECT string_agg(query, ' ') FROM pg_stat_activity")), [], "pg_stat_activity after: $where");
	return $error;
}

# The same by the extended protocol, as a prepared statement, twice; ? are parameters.
sub extended
{
	my ($dbh, $sql, @parameters) = @_;
	my $where = $sql;
	$sql =~ s/\{s\}/plant($where)/ge;
	s/\{s\}/plant("$where (parameter)")/ge foreach @parameters;
	my $error = '';
	foreach (1, 2)
	{
		eval { my $sth = $dbh->prepare($sql, { pg_server_prepare => 1, pg_prepare_now => 1 }); $sth->execute(@parameters); $sth->finish; };
		$error = $@;
	}
	is_deeply(leaks(join "\n", $monitor->selectrow_array("SELECT string_agg(query, ' ') FROM pg_stat_activity")), [], "pg_stat_activity after: $where");
	return $error;
}

my @statements = (
	"SELECT authfort.signup('b{s}\@example.com', '{s}', name => '{s}')",
	"SELECT authfort.login('a\@example.com', '{s}') ->> 'error'",
	"SELECT \"authfort\" . \"login\" /* spaced out */ (E'a\\x40example.com', \$x\${s}\$x\$)",
	"SELECT U&\"\\0061uthfort\".login('a', '{s}')",
	"SELECT app.authfort.login('a', '{s}')",
	"SELECT authfort.login('a', 'it''s {s}'), E'\\'{s}', U&'\\0061{s}', N'{s}'",
	"SELECT authfort.login('a', 'one'\n\t'{s}')",
	"SELECT authfort.login('a', E'one'\n-- two\n'\\'{s}')",
	"WITH p AS (SELECT '{s}' AS secret) SELECT authfort.login('a', secret) FROM p",
	"SELECT r.* FROM (VALUES ('{s}')) v (secret), LATERAL authfort.login('a', v.secret) r",
	"SELECT 1; SELECT authfort.login('a', '{s}'); SELECT 2",
	# with mistakes
	"SELECT authfort.login('a', '{s}', 1, 2, 3, 4)",
	"SELECT authfort.login('a', {s})",
	"SELECT authfort.login('a', \"{s}\")",
	"SELECT authfort.login('a', '{s}' x)",
	"SELECT authfort.login('a', '{s})",
	"SELECT authfort.login('a', \$\${s})",
	"SELECT authfort.logn('a', '{s}')",
	"SELECT authfort.login('a', '{s}'), 1 / 0",
	"SELECT authfort.login('a', '{s}', ip => '{s}')",
	"SELECT authfort.change_password('{s}', 'x', 'y')",
	"SELECT authfort.http('POST', '/auth/login', headers => '{\"authorization\": \"{s}\", x}')",
	"SELECT authfort_api.login('{\"email\": \"a\", \"password\": \"{s}\" x}')",
	"SELECT authfort_api.login('{\"email\": \"a\", \"password\": \"{s}\"}')",
	"SELECT authfort.http('POST', '/auth/login', headers => '{\"content-type\": \"application/json\"}', body => '{\"email\": \"a\", \"password\": \"{s}\"}')",
	"SELECT authfort.verify_jwt('{s}')",
	"SELECT authfort.try_verify_jwt('{s}')",
	"SELECT authfort.set_jwt('{s}')",
	"SELECT authfort.refresh('{s}')",
	"SELECT authfort.reset_password('{s}', '{s}')",
	"SELECT authfort.create_user('c\@example.com', '{s}', email_verified => true)",
	"SELECT authfort.login 'a', '{s}'",
	"SELECT authfort.login['a', '{s}']",
	"EXECUTE FUNCTION authfort.login('a', '{s}')",
	"CALL PROCEDURE authfort.login('a', '{s}')",
	"drop SELECT authfort.login('a', '{s}')",
	"comment\nSELECT authfort.login('a', '{s}')",
	"EXECUTE prepared_elsewhere('a', '{s}')",
	"SET authfort.jwt '{s}'",
	"SET authfort.jwt {s}",
	"SET authfort.jwt := '{s}'",
	# by way of other functions
	"SELECT sign_in('a', '{s}')",
	"SELECT sign_in_by_sql('a', '{s}')",
	"SELECT sign_in_atomic('a', '{s}')",
	"SELECT sign_in_dynamic('a', '{s}')",
	"SELECT sign_in_by_path('a', '{s}')",
	"SELECT sign_in_or_tell('a', '{s}')",
	"SELECT take_token('{s}')",
	"CALL sign_in_procedure('a', '{s}')",
	"CALL sign_in_commit_and_tell('a', '{s}')",
	"SELECT sign_all_in('{s}')",
	"SELECT sign_in_in_a_circle('{s}')",
	"SELECT circle('{s}')",
	"SELECT sign_in_and_keep('{s}')",
	"DO \$\$ BEGIN PERFORM authfort.login('a', '{s}'); END \$\$",
	"DO 'BEGIN PERFORM authfort.login(''a'', ''{s}''); END'",
	"DO \$\$ DECLARE p text := '{s}'; BEGIN PERFORM authfort.login('a', p); RAISE EXCEPTION 'bad %', p; END \$\$",
	"DO \$\$ BEGIN EXECUTE 'SELECT authfort.login(''a'', ''{s}'')'; END \$\$",
	"DO \$\$ BEGIN EXECUTE format('SELECT authfort.%I(%L, %L)', 'login', 'a', '{s}'); END \$\$",
	"DO \$\$ BEGIN PERFORM authfort.login('a', '{s}'); EXCEPTION WHEN OTHERS THEN NULL; END \$\$",
	"DO \$\$ BEGIN PERFORM authfort.login('a', '{s}', ip => '{s}'); END \$\$",
	"CREATE OR REPLACE FUNCTION holds() RETURNS void LANGUAGE plpgsql AS \$\$ BEGIN PERFORM authfort.login('a', '{s}', ip => '{s}'); END \$\$",
	'SELECT holds()',
	"CREATE OR REPLACE FUNCTION holds() RETURNS void LANGUAGE plpgsql AS \$\$ BEGIN PERFORM sign_in_or_tell('a', '{s}'); END \$\$",
	'SELECT holds()',
	"DO \$\$ BEGIN EXECUTE 'DO \$x\$ BEGIN PERFORM authfort.login(''a'', ''{s}''); RAISE EXCEPTION ''%'', ''{s}''; END \$x\$'; END \$\$",
	# by way of triggers
	"INSERT INTO inbox VALUES ('a', '{s}')",
	"INSERT INTO public . \"inbox\" (e, p) SELECT 'a', '{s}' RETURNING 1 / 0",
	"INSERT INTO inbox VALUES ('a', '{s}'), ('a', (1 / 0)::text)",
	"WITH i AS (INSERT INTO inbox_view VALUES ('a', '{s}')) SELECT 1",
	"SELECT put_into_inbox('a', '{s}')",
	"DO \$\$ BEGIN INSERT INTO inbox VALUES ('a', '{s}'); END \$\$",
	# other statements
	"PREPARE q AS SELECT sign_in_or_tell('a', '{s}')",
	'EXECUTE q',
	"PREPARE p (text) AS SELECT authfort.login('a', \$1), '{s}'",
	"EXECUTE p('{s}')",
	"EXECUTE p('{s}', 2)",
	"EXPLAIN (ANALYZE, VERBOSE) EXECUTE p('{s}')",
	"EXPLAIN (ANALYZE, VERBOSE) SELECT authfort.login('a', '{s}')",
	"CREATE TABLE t AS SELECT authfort.login('a', '{s}') AS x",
	"CREATE VIEW v AS SELECT authfort.login('a', '{s}') AS x",
	'SELECT * FROM v',
	"COPY (SELECT authfort.login('a', '{s}')) TO '/dev/null'",
	"BEGIN; DECLARE c CURSOR FOR SELECT authfort.login('a', '{s}'); FETCH c; COMMIT",
	"DECLARE h CURSOR WITH HOLD FOR SELECT authfort.login('a', '{s}')",
	'FETCH h', 'CLOSE h',
	"BEGIN", "DECLARE c CURSOR FOR SELECT sign_in_or_tell('a', '{s}')", 'FETCH c', 'ROLLBACK',
	"BEGIN", "DECLARE c CURSOR WITH HOLD FOR SELECT sign_in_or_tell('a', '{s}')", 'COMMIT',
	"BEGIN", "DECLARE c CURSOR FOR SELECT E'it\\'s', authfort.login('a', '{s}')", 'FETCH c', 'CLOSE c', 'COMMIT',
	# settings
	"SET authfort.jwt = '{s}'",
	"SET authfort.jwt TO {s}",
	"SET \"authfort.jwt\" = '{s}'",
	"BEGIN; SET LOCAL AUTHFORT . JWT = '{s}'; COMMIT",
	"SELECT set_config('authfort.jwt', '{s}', false)",
	"SELECT set_config('authfort' || '.jwt', '{s}', false)",
	"SELECT pg_catalog.set_config(E'authfort\\x2ejwt', '{s}', false)",
	"SELECT set_config('request.headers', '{\"authorization\": \"Bearer {s}\"}', true)",
	"SELECT set_config('request.cookies', '{\"refresh_token\": \"{s}\"}', true)",
	"UPDATE pg_settings SET setting = '{s}' WHERE name = 'authfort.jwt'",
	"ALTER ROLE CURRENT_USER SET authfort.jwt = '{s}'",
	"ALTER ROLE CURRENT_USER RESET authfort.jwt",
	"CREATE OR REPLACE FUNCTION holds() RETURNS void LANGUAGE sql SET authfort.jwt = '{s}' AS 'SELECT NULL'",
	"SET authfort.jwt = ''",
	# without the schema
	"SET search_path = authfort; SELECT login('a', '{s}'); RESET search_path",
	"SELECT set_config('search_path', 'authfort', false); SELECT login('a', '{s}'); RESET search_path",
	"SELECT sign_in_without_schema('x')",
	"SET search_path = authfort, public",
	"SELECT sign_in_without_schema('{s}')",
	"SELECT login('a', '{s}')",
	"SELECT ('{s}'::text).verify_jwt",
	"SELECT refresh('{s}', 1, 2, 3, 4)",
	"DO \$\$ BEGIN EXECUTE 'SELECT verify_jwt(''{s}'')'; END \$\$",
	'RESET search_path');

my @with_parameters = (
	[ 'SELECT authfort.login(?, ?)', 'a@example.com', '{s}' ],
	[ "SELECT authfort.login(?, '{s}')", 'a@example.com' ],
	[ 'SELECT authfort.login(?, ?, ip => ?)', 'a@example.com', '{s}', '{s}' ],
	[ 'SELECT authfort.login(?, ?), 1 / 0', 'a@example.com', '{s}' ],
	[ 'SELECT authfort.change_password(?, ?, ?)', '{s}', '{s}', '{s}' ],
	[ 'SELECT authfort.http(\'POST\', \'/auth/login\', headers => ?, body => ?)', '{"authorization": "Bearer {s}", "content-type": "application/json"}', '{"email": "a", "password": "{s}"}' ],
	[ 'SELECT authfort.verify_jwt(?)', '{s}' ],
	[ 'SELECT sign_in(?, ?)', 'a', '{s}' ],
	[ "SELECT sign_in('a', '{s}')" ],
	[ 'SELECT sign_in_or_tell(?, ?)', 'a', '{s}' ],
	[ "SELECT sign_in_or_tell(?, '{s}')", 'a' ],
	[ 'INSERT INTO inbox VALUES (?, ?)', 'a', '{s}' ],
	[ 'CALL sign_in_commit_and_tell(?, ?)', 'a', '{s}' ],
	[ 'SELECT set_config(?, ?, true)', 'authfort.jwt', '{s}' ],
	[ "SELECT set_config('request.headers', ?, true)", '{"authorization": "Bearer {s}"}' ],
	[ "SET authfort.jwt = '{s}'" ],
	[ "DO \$\$ BEGIN PERFORM authfort.login('a', '{s}'); END \$\$" ],
	[ 'SELECT <#> ?::text', '{s}' ],
);

my @ordinary = (
	"SELECT 'ordinary', authfort.uid(), authfort.has_role('admin')",
	"SELECT 'authfort.login(''a'', ''ordinary'')'",
	"SELECT set_config('app.tenant', 'ordinary', false)",
	"SET app.tenant = 'ordinary'",
	"SELECT current_setting('authfort.jwt', true), 'ordinary'",
	"SELECT login('a', 'ordinary')",
	"SELECT authfort.list_users('ordinary')",
	"SELECT authfort.create_password_reset_token('ordinary\@example.com')",
	"CREATE TABLE ordinary (login text DEFAULT 'ordinary')",
	"INSERT INTO ordinary (login) VALUES ('ordinary')",
	"DO \$\$ BEGIN RAISE NOTICE 'ordinary'; END \$\$",
	"INSERT INTO kept VALUES ('ordinary', 12345)",
	"SELECT e, 'ordinary' FROM inbox",
	"SELECT nosuch('ordinary')",
	"SELECT login('a', 'ordinary', 1)",
	"CREATE TABLE refresh (signup text DEFAULT 'ordinary')",
	"INSERT INTO refresh (signup) VALUES ('ordinary'), (1234567)",
	"SET search_path = public; SELECT 'authfort', coalesce('ordinary')",
	"CREATE OR REPLACE FUNCTION passes_on(e text, p text) RETURNS jsonb LANGUAGE plpgsql AS \$\$ BEGIN RETURN authfort.login(e, p); END \$\$",
	'GRANT EXECUTE ON FUNCTION authfort.login(text, text, text, inet), authfort.logout(text) TO authfort_admin',
	"COMMENT ON FUNCTION sign_in(text, text) IS 'ordinary'",
	'ALTER FUNCTION sign_in(text, text) STABLE',
	'DROP FUNCTION passes_on(text, text)',
	'GRANT SET ON PARAMETER "authfort.jwt" TO authfort_admin',
	'PREPARE o (text, text) AS SELECT authfort.login($1, $2)',
	'EXECUTE prepared_elsewhere');

# Waits until the session waits for a lock, and returns what it is shown to do.
sub shown_while_waiting
{
	my ($dbh) = @_;
	my $pid = $dbh->{pg_pid};
	$node->poll_query_until('app', "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $pid") or die 'it does not wait';
	return $monitor->selectrow_array("SELECT query FROM pg_stat_activity WHERE pid = $pid");
}

# Begins a statement that holds a secret and waits for an advisory lock.
sub begin_waiting
{
	my ($where, $sql) = @_;
	my $dbh = session();
	my $secret = plant($where);
	$sql =~ s/\{s\}/$secret/g;
	$dbh->do($sql, { pg_async => PG_ASYNC });
	return $dbh;
}

# Mistakes, in sessions where nothing has been called before; the error is all that is logged.
my @mistakes = (
	"SELECT sign_in('a', '{s}', 1)",
	"SELECT sign_in('a', '{s}') x y",
	"SELECT sign_in_by_sql('a', '{s}') FROM nosuch",
	"SELECT verify_jwt('{s}')",
	"EXECUTE prepared_elsewhere('a', '{s}')");

my $shown = 'SELECT authfort.login(***), pg_advisory_lock(1)';

sub check_all
{
	my ($order) = @_;
	$monitor = session();
	my $dbh = session();
	simple($dbh, $_) foreach @statements;
	# before it is analyzed nobody knows what an operator stands for
	simple($dbh, $_) foreach 'SET log_statement = none', "SELECT <#> '{s}'::text";
	$dbh->disconnect;
	foreach my $format (qw(text json))
	{
		$dbh = session();
		$dbh->do("SET auto_explain.log_format = '$format'");
		extended($dbh, @$_) foreach @with_parameters;
		$dbh->disconnect;
	}

	foreach my $mistake (@mistakes)
	{
		$dbh = session();
		$dbh->do('SET log_statement = none');
		simple($dbh, $mistake);
		$dbh->disconnect;
	}

	# DEBUG2 has texts before there is a transaction in which to look for what they call
	$dbh = session();
	$dbh->do('SET log_min_messages = info');
	extended($dbh, $_, 'a') foreach "INSERT INTO inbox VALUES (?, '{s}'), ('a', (1 / 0)::text)", "SELECT sign_in_by_sql(?, '{s}')";
	$dbh->disconnect;

	# a worker shows and logs the statement of its leader
	$dbh = session();
	$dbh->do($node->pg_version < 16 ? 'SET force_parallel_mode = regress' : 'SET debug_parallel_query = regress');
	simple($dbh, "SELECT authfort.verify_jwt('{s}' || relname) FROM pg_class");
	simple($dbh, "SELECT authfort.try_verify_jwt('{s}' || relname) FROM pg_class");
	$dbh->disconnect;

	# while it goes on, and when it ends in another way
	$monitor->do('SELECT pg_advisory_lock(1)');
	foreach my $end (qw(pg_cancel_backend pg_terminate_backend))
	{
		my $waiting = begin_waiting($end, "SELECT authfort.login('a', '{s}'), pg_advisory_lock(1)");
		is(shown_while_waiting($waiting), $shown, "pg_stat_activity meanwhile, before $end");
		$monitor->do("SELECT $end($waiting->{pg_pid})");
		eval { $waiting->pg_result };
		isnt($@, '', "$end ended it");
	}
	my $failed_transaction = session();
	$failed_transaction->begin_work;
	eval { $failed_transaction->do('SELECT 1 / 0') };
	simple($failed_transaction, "SELECT authfort.login('a', '{s}')");
	simple($failed_transaction, "SET authfort.jwt = '{s}'");
	$failed_transaction->rollback;

	# two that wait for each other are both shown
	my @rivals = (session(), session());
	my @pids = map { $_->{pg_pid} } @rivals;
	$rivals[$_]->do("SELECT pg_advisory_lock($_ + 10)") foreach 0, 1;
	$rivals[1]->do("SELECT authfort.login('a', '" . plant('deadlock') . "'), pg_advisory_lock(10)", { pg_async => PG_ASYNC });
	shown_while_waiting($rivals[1]);
	eval { $rivals[0]->do("SELECT authfort.login('a', '" . plant('deadlock') . "'), pg_advisory_lock(11)") };
	my $first = $@;
	$rivals[0]->disconnect;
	eval { $rivals[1]->pg_result };
	like($first . $@, qr/deadlock detected/, 'a deadlock');
	# one that waits before it is analyzed is not known yet, but the log has it from another
	my @parsed = (session(), session());
	$parsed[0]->begin_work;
	$parsed[0]->do('LOCK TABLE kept');
	$parsed[1]->do('SELECT pg_advisory_lock(20)');
	$parsed[1]->do('SET log_statement = none');
	$parsed[1]->do("SELECT authfort.login('a', '" . plant('deadlock before analysis') . "') FROM kept", { pg_async => PG_ASYNC });
	shown_while_waiting($parsed[1]);
	eval { $parsed[0]->do('SELECT pg_advisory_lock(20)') };
	$first = $@;
	$parsed[0]->disconnect;
	eval { $parsed[1]->pg_result };
	like($first . $@, qr/deadlock detected/, 'a deadlock while one is analyzed');
	$monitor->disconnect;

	my $log = all_logs();
	is_deeply(leaks($log), [], "$order: the log holds none of $count secrets");
	like($log, qr/Process $pids[0]: SELECT authfort.login\(\*\*\*\), pg_advisory_lock\(11\)/, 'what it tells of a deadlock is shown without');
	is_deeply(leaks($node->safe_psql('app', 'SELECT query FROM pg_stat_statements')), [], "$order: nor does pg_stat_statements");
	like($node->safe_psql('app', 'SELECT query FROM pg_stat_statements'), qr/SELECT authfort\.login\(\$1, \$2\)/, 'where calls with parameters are counted');
	return;
}

check_all('authfort first');

# what is logged is of use
my $log = all_logs();
foreach my $line (
	"statement: SELECT authfort.login(***) ->> 'error'\n",
	"STATEMENT:  SELECT authfort.login(***)\n",
	'column "***" does not exist',
	'invalid input syntax for type uuid: "***"',
	"statement: SET authfort.jwt = ***\n",
	"statement: DO \$\$ BEGIN PERFORM authfort.login('***', '***'); END \$\$\n",
	'AUDIT: SESSION,',
	',FUNCTION,DO,,,"DO $$ BEGIN PERFORM authfort.login(\'***\', \'***\'); END $$",***',
	"no a with ***\n",
	'PL/pgSQL function sign_in_or_tell(text,text) line 1 at RAISE',
	"SELECT authfort.login(\$1, \$2)\n")
{
	ok(index($log, $line) >= 0, "the log has: $line" =~ s/\n//r);
}

# what is ordinary is logged as it is
my $dbh = session();
foreach my $sql (@ordinary)
{
	eval { $dbh->do($sql) };
	ok(index(all_logs(), "statement: $sql\n") >= 0, "logged untouched: $sql");
}
eval { $dbh->do("SELECT 'ordinary' x y") };
like(all_logs(), qr/ERROR:  42601: syntax error at or near "y" at character \d+\n[^\n]*LOCATION[^\n]*\n[^\n]*STATEMENT:  SELECT 'ordinary' x y\n/, 'so are its errors');
my $sth = $dbh->prepare('SELECT ?::text', { pg_server_prepare => 1 });
$sth->execute('ordinary parameter');
like(all_logs(), qr/DETAIL:  parameters: \$1 = 'ordinary parameter'/i, 'and its parameters');

# the client hears what is wrong, as ever
like(simple($monitor = session(), 'SELECT authfort.login(\'a\', {s})'), qr/column "planted\d+secret" does not exist/, 'the client is told all');
is(($dbh->selectrow_array("SELECT current_query(), authfort.login('a', 'x')"))[0], 'SELECT current_query(), authfort.login(***)', 'current_query() is what is shown');

# every function that has a place for a secret is known
foreach my $row (@{ $dbh->selectall_arrayref(<<'SQL') })
SELECT p.oid::regproc, array_to_string(ARRAY(SELECT CASE t::regtype::text
		WHEN 'text' THEN '''{s}''' WHEN 'text[]' THEN 'ARRAY[''{s}'']' WHEN 'json' THEN '''{"token": "{s}"}''' WHEN 'jsonb' THEN '''{"token": "{s}"}'''
		WHEN 'uuid' THEN 'gen_random_uuid()' WHEN 'boolean' THEN 'true' ELSE 'NULL' END FROM unnest(p.proargtypes) WITH ORDINALITY a (t, n) ORDER BY n), ', ')
	FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid JOIN pg_extension e ON e.oid = d.refobjid
	WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e' AND e.extname = 'authfort' AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
	AND ('json'::regtype = ANY (proargtypes) OR proargnames && ARRAY(SELECT DISTINCT a FROM pg_proc q, unnest(q.proargnames) a WHERE a ~ '(password|token|code|secret|body|headers)' AND q.prosrc LIKE 'authfort%'))
	ORDER BY 1
SQL
{
	simple($dbh, "SELECT $row->[0]($row->[1])");
}
$dbh->disconnect;
$monitor->disconnect;
is_deeply(leaks(all_logs()), [], 'of its arguments nothing is logged');

# nor of what is set in files, which the postmaster tells of
$monitor = session();
$monitor->do("ALTER SYSTEM SET authfort.master_key_command = '" . plant('reload') . "'");
$node->reload;
$node->poll_query_until('app', "SELECT setting LIKE 'planted%' FROM pg_settings WHERE name = 'authfort.master_key_command'") or die 'it is not read';
$monitor->do('ALTER SYSTEM RESET authfort.master_key_command');
$node->reload;
$node->poll_query_until('app', "SELECT setting NOT LIKE 'planted%' FROM pg_settings WHERE name = 'authfort.master_key_command'") or die 'it is not read';
$monitor->disconnect;
like(all_logs(), qr/parameter "authfort.master_key_command" changed to "\*\*\*"/, 'a reload tells which setting was changed');
is_deeply(leaks(all_logs()), [], 'and not to what');

# the server tells what a process that crashed was doing
$monitor = session();
$monitor->do('SELECT pg_advisory_lock(1)');
my $waiting = begin_waiting('crash', "SELECT authfort.login('a', '{s}'), pg_advisory_lock(1)");
shown_while_waiting($waiting);
kill 'KILL', $waiting->{pg_pid};
eval { $waiting->pg_result };
ok($node->poll_query_until('app', 'SELECT true'), 'the server starts again after a crash');
like(all_logs(), qr/Failed process was running: \Q$shown\E\n/, 'what crashed is shown without');
is_deeply(leaks(all_logs()), [], 'and nothing else tells');

# in which order the libraries hook in does not matter
$node->stop;
unlink glob($node->data_dir . '/log/*');
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "'pgaudit, pg_stat_statements, auto_explain, authfort'");
$node->start;
$node->safe_psql('app', 'DROP TABLE t; DROP VIEW v; SELECT pg_stat_statements_reset(); DROP TABLE refresh');
check_all('authfort last');
$node->stop;
done_testing();
