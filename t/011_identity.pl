# The identity of a session, by the ways that need a server of their own: options
# of the connection, and a pooler that gives each transaction another session.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(start_node unused_port);
use DBI;
use IPC::Run qw(start);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Gateway qw(poll);

my $node = start_node('main', conf => "listen_addresses = '127.0.0.1'", hba => 'host all all 127.0.0.1/32 trust',
	sql => <<'SQL');
CREATE ROLE app LOGIN;
CREATE TABLE note (owner uuid DEFAULT authfort.uid(), body text);
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON note USING (owner = authfort.uid());
GRANT SELECT, INSERT ON note TO app;
SQL
my %token = map { $_ => $node->safe_psql('app',
	"SELECT authfort.signup('$_\@example.com', 'correct horse')#>>'{tokens,access_token}'") } qw(ada bob);

# Runs statements as the role "app"; returns the output, or the error.
sub ask
{
	my ($sql, %more) = @_;
	my ($code, $out, $err) = $node->psql('app', $sql, connstr => $more{connstr} // $node->connstr('app')
		. ' user=app');
	return $code == 0 ? $out : $err;
}

my $who = "SELECT coalesce(authfort.claims()->>'email', 'nobody')";
my $parallel = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; '
	. 'SET parallel_leader_participation = off;';
# the partial aggregates, so the calls, are in the workers
my $who_in_workers = "SELECT concat_ws('-', min(email), max(email)) FROM "
	. "(SELECT coalesce(authfort.claims()->>'email', 'nobody') AS email FROM pg_class) AS calls";

my $sealed;

{
	local $ENV{PGOPTIONS} = "-c authfort.jwt=$token{ada}";
	is(ask($who), 'ada@example.com', 'an option of the connection gives the identity');
	is(ask("BEGIN; SET LOCAL authfort.jwt = '$token{bob}'; $who; COMMIT; $who"), "bob\@example.com\nada\@example.com",
		'SET LOCAL gives a transaction another identity');
	is(ask("SET authfort.jwt = ''; $who; RESET authfort.jwt; $who"), "nobody\nada\@example.com",
		'RESET restores the identity of the option');
	is(ask("DISCARD ALL; $who"), 'ada@example.com', 'DISCARD ALL restores the identity of the option');
	is(ask("$who; SHOW authfort.jwt"), "ada\@example.com\n********", 'SHOW masks the token');
	is(ask("$who; SELECT count(*) FROM pg_settings s WHERE strpos(s::text, '$token{ada}') > 0"), "ada\@example.com\n0",
		'pg_settings has the token of an option in no column');
	my $row = "SELECT setting, left(reset_val, 7) FROM pg_settings WHERE name = 'authfort.jwt'";
	is(ask("$who; $row; SET authfort.jwt = ''; $row"), "ada\@example.com\n********|sealed:\n|sealed:",
		'pg_settings shows the token of an option sealed');
	like(ask("$parallel EXPLAIN $who_in_workers"), qr/Finalize Aggregate.*Workers Planned.*Partial Aggregate/s,
		'the workers call claims()');
	is(ask("$parallel $who_in_workers"), 'ada@example.com-ada@example.com',
		'the token of an option reaches parallel workers');
	is(ask("$parallel BEGIN; SAVEPOINT s; SET LOCAL authfort.jwt = '$token{bob}'; $who_in_workers; ROLLBACK TO s; "
			. "$who_in_workers; COMMIT"), "bob\@example.com-bob\@example.com\nada\@example.com-ada\@example.com",
		'parallel workers have the token that a rollback to a savepoint restores');
	is(ask("$parallel PREPARE q AS $who_in_workers; EXECUTE q; SET authfort.jwt = '$token{bob}'; EXECUTE q; "
			. 'RESET ALL; ' . "$parallel EXECUTE q"),
		join("\n", map { "$_\@example.com-$_\@example.com" } qw(ada bob ada)),
		'a prepared parallel query follows SET and RESET ALL');
	$sealed = ask("$who; SELECT reset_val FROM pg_settings WHERE name = 'authfort.jwt'") =~ s/.*\n//r;
}
like($sealed, qr/^sealed:/, 'another session got hold of the sealed token');
is(ask("$who; SET authfort.jwt = '$sealed'; $who; $parallel $who_in_workers"), "nobody\nnobody\nnobody-nobody",
	'the sealed token gives no identity to another session and its parallel workers');
is(ask("SET authfort.jwt = '$sealed'; $parallel $who_in_workers; $who"), "nobody-nobody\nnobody",
	'nor if it was set before the library was loaded');
{
	local $ENV{PGOPTIONS} = "-c authfort.jwt=$sealed";
	is(ask("$parallel $who_in_workers; $who"), "nobody-nobody\nnobody", 'nor as an option of its connection');
}
$node->safe_psql('app', "ALTER ROLE app SET authfort.jwt = '$token{bob}'");
is(ask("$who; $parallel $who_in_workers; SELECT count(*) FROM pg_settings s WHERE strpos(s::text, '$token{bob}') > 0"),
	"bob\@example.com\nbob\@example.com-bob\@example.com\n0", 'a token set for a role is sealed and reaches the workers');
$node->safe_psql('app', "ALTER ROLE app SET authfort.jwt = '$sealed'");
is(ask("$parallel $who_in_workers; $who; $who_in_workers"), "nobody-nobody\nnobody\nnobody-nobody",
	'a sealed token set for a role gives no identity');
$node->safe_psql('app', 'ALTER ROLE app RESET authfort.jwt');
{
	local $ENV{PGOPTIONS} = '-c authfort.jwt=nonsense';
	is(ask($who), 'nobody', 'an invalid token in an option gives no identity');
}

# The library is not loaded before its first function is called: until then anybody may make a placeholder of any name.
my $claims = '{"sub":"11111111-1111-1111-1111-111111111111"}';
my $trust = "SET authfort.trusted_authenticators = 'app'; SET request.jwt.claims = '$claims'; "
	. "SELECT coalesce(authfort.uid()::text, 'nobody')";
like(ask($trust), qr/nobody$/, 'trusted_authenticators set before the library was loaded is dropped');
{
	local $ENV{PGOPTIONS} = '-c authfort.trusted_authenticators=app';
	unlike(ask($trust), qr/1111/, 'trusted_authenticators in an option of the connection is dropped');
}
$node->safe_psql('app', 'ALTER ROLE app IN DATABASE app SET authfort.trusted_authenticators = app');
like(ask("SET request.jwt.claims = '$claims'; SELECT authfort.uid()"), qr/^1111/,
	'trusted_authenticators that a superuser set for the role is valid');
like(ask("$trust"), qr/1111/, 'an attempt to set trusted_authenticators does not change it');
is(ask("BEGIN; SET LOCAL request.jwt.claims = '$claims'; SELECT authfort.uid() IS NULL; COMMIT; "
	. "SELECT authfort.uid() IS NULL"), "f\nt", 'claims end with their transaction');
my $query = "SELECT count(*) = 0 FROM pg_class WHERE coalesce(authfort.uid()::text, relname) NOT LIKE '1111%'";
like(ask("$parallel EXPLAIN $query"), qr/Workers Planned/, 'the query runs in parallel workers');
is(ask("$parallel SET request.jwt.claims = '$claims'; $query"), 't', 'claims reach parallel workers');
$node->safe_psql('app', 'ALTER ROLE app IN DATABASE app RESET ALL');

# pgbouncer in transaction mode: one server session, assigned to each client that begins a transaction
my $dir = PostgreSQL::Test::Utils::tempdir;
my $port = unused_port();
append_to_file("$dir/users.txt", qq{"app" ""\n});
append_to_file("$dir/pgbouncer.ini", <<"INI");
[databases]
app = host=127.0.0.1 port=@{[ $node->port ]} dbname=app user=app
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $port
unix_socket_dir =
auth_type = trust
auth_file = $dir/users.txt
pool_mode = transaction
default_pool_size = 1
logfile = $dir/pgbouncer.log
pidfile = $dir/pgbouncer.pid
INI
my $bouncer = start([ '/usr/sbin/pgbouncer', '-q', "$dir/pgbouncer.ini" ], '>', "$dir/out", '2>&1');
my $pooled = "host=127.0.0.1 port=$port dbname=app user=app";
poll('pgbouncer answers', sub { ($node->psql('app', 'SELECT 1', connstr => $pooled))[0] == 0 });

my %client = map { $_ => DBI->connect("dbi:Pg:$pooled", 'app', '',
	{ RaiseError => 1, pg_server_prepare => 0 }) } qw(ada bob);

# Runs statements in one transaction; returns the result of the last.
sub transaction
{
	my ($client, @statements) = @_;
	my $last = pop @statements;
	$client->begin_work;
	$client->do($_) foreach @statements;
	my ($result) = $client->selectrow_array($last);
	$client->commit;
	return $result;
}

foreach my $round (1 .. 3)
{
	foreach my $name (qw(ada bob))
	{
		my $c = $client{$name};
		is($c->selectrow_array($who), 'nobody', "round $round: $name has no identity before the transaction");
		is(transaction($c, "SET LOCAL authfort.jwt = '$token{$name}'",
			"INSERT INTO note (body) VALUES ('of $name $round')", $who),
			"$name\@example.com", "round $round: $name has the identity of the token in the transaction");
		is(transaction($c, "SELECT authfort.set_jwt('$token{$name}')",
			"SELECT string_agg(body, ',' ORDER BY body) FROM note"),
			join(',', map { "of $name $_" } 1 .. $round), "round $round: $name sees only the own rows");
	}
}
$client{ada}->begin_work;
$client{ada}->do("SET LOCAL authfort.jwt = '$token{ada}'");
is($client{ada}->selectrow_array($who), 'ada@example.com', 'a transaction has an identity before its rollback');
$client{ada}->rollback;
is($client{bob}->selectrow_array($who), 'nobody', 'a rollback leaves no identity in the server session');
is($client{ada}->selectrow_array('SELECT pg_backend_pid()'), $client{bob}->selectrow_array('SELECT pg_backend_pid()'),
	'both clients shared one server session');
$_->disconnect foreach values %client;
$bouncer->signal('INT');
$bouncer->finish;

$node->stop;
done_testing();
