# A server that logs everything is sent 100,000 odd statements, and lives; none
# of them costs more than its length allows.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(start_node);
use DBI;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $seed = $ENV{STORM_SEED} // 1;
srand($seed);
note("STORM_SEED=$seed");

my $sql = 'CREATE ROLE stranger LOGIN; '
	. 'GRANT SET ON PARAMETER log_min_error_statement, auto_explain.log_min_duration, pgaudit.log TO stranger';
my $node = start_node('storm', preload => 'authfort, auto_explain, pg_stat_statements, pgaudit', sql => $sql,
	conf => <<'CONF');
logging_collector = on
log_destination = 'csvlog'
log_rotation_age = 0
log_rotation_size = 0
log_statement = all
log_min_duration_statement = 0
log_error_verbosity = verbose
log_parameter_max_length_on_error = -1
auto_explain.log_min_duration = 0
auto_explain.log_nested_statements = on
pg_stat_statements.track = all
pgaudit.log = 'all'
fsync = off
CONF
my $started = $node->safe_psql('app', 'SELECT pg_postmaster_start_time()');

# A role that may do nothing but log in.
my $dbh = DBI->connect('dbi:Pg:' . $node->connstr('app') . ';user=stranger', '', '',
	{ RaiseError => 0, PrintError => 0, PrintWarn => 0, pg_server_prepare => 0, pg_enable_utf8 => 0 });
my $pid = $dbh->{pg_pid};
$dbh->do("SET statement_timeout = '60s'; SET client_min_messages = error");

my $sent = 0;

# Sends a message, which the server is to answer with one of these SQLSTATEs.
sub answered
{
	my ($name, $text, $states, $statements) = @_;
	my $begun = time;
	$dbh->do($text);
	note(sprintf '%s: %.1f s', $name, time - $begun);
	like($dbh->state, qr/^(?:$states)$/, "$name: the message is answered in time");
	$sent += $statements // 1;
	return;
}

foreach my $name ('other', 'authfort')
{
	my $comment = $name eq 'other' ? '' : ' /* authfort */';
	answered("$name: PREPARE and EXECUTE in one message", "PREPARE p AS SELECT 1; EXECUTE p;$comment DEALLOCATE p", '',
		3);
	answered("$name: 300,000 names in a body", "DO \$\$ BEGIN IF false THEN PERFORM "
		. join(', ', map { "f$_()" } 1 .. 1600) . "; END IF; END \$\$ -- " . join(' ', map { "f$_(" } 1 .. 300000)
			. $comment, '');
	# these make a record of the whole message for each statement in it
	$dbh->do("SET auto_explain.log_min_duration = -1; SET pgaudit.log = 'none'");
	answered("$name: 40,000 statements in one message", 'SELECT 1;' x 40000 . $comment, '', 40000);
	answered("$name: 3,000 statements that prepare",
		join('', map { "PREPARE p AS SELECT $_; EXECUTE p; DEALLOCATE p;" } 1 .. 1000) . $comment, '', 3000);
	answered("$name: two prepared ones in turn", 'PREPARE p AS SELECT 1' . $comment . '; PREPARE q AS SELECT 2;'
		. 'EXECUTE p; EXECUTE q;' x 3000 . 'DEALLOCATE ALL', '', 6003);
	$dbh->do('RESET auto_explain.log_min_duration; RESET pgaudit.log');
	answered("$name: an unfinished string", "SELECT '" . 'x' x 2_000_000 . $comment, '42601');
	answered("$name: an unfinished comment", 'SELECT 1 ' . '/* ' x 100_000 . $comment, '42601');
	answered("$name: deep nesting", 'SELECT ' . '(' x 100_000 . $comment . ')' x 100_000, '54001|42601|53200');
	answered("$name: deep nesting that ends", 'SELECT ' . '(' x 2000 . '1' . ')' x 2000 . $comment, '|54001');
	answered("$name: a deep chain of functions", 'SELECT ' . 'lower(' x 3000 . "'x'" . ')' x 3000 . $comment,
		'|54001');
	answered("$name: dollars", 'SELECT ' . join('', map { "\$a$_\$" } 1 .. 100_000) . $comment, '42601');
	answered("$name: 2 MB of quotes", "SELECT " . "''''" x 500_000 . $comment, '');
	answered("$name: invalid UTF-8", "SELECT '\xff\xfe\xc0' $comment", '22021');
	answered("$name: a name too long", 'SELECT "' . 'y' x 1_000_000 . "\"$comment", '42703');
}

# All but the last letter, over and over, and calls that are harmless.
answered('what is nearly our name', "SELECT '" . 'authfor' x 300_000 . "'", '');
answered('what is nearly another name', "SELECT '" . 'request.header' x 150_000 . "'", '');
# So many that a search which costs the square of their number takes minutes.
answered('400,000 harmless calls', "SELECT '" . 'authfort.uid(), ' x 400_000 . "'", '');
answered('400,000 references', "SELECT '" . 'references authfort.users (id), ' x 400_000 . "'", '');
answered('blanks between them', "SELECT '" . ('references' . ' ' x 1000 . 'authfort.users (id), ') x 4000 . "'", '');

# A message of 10 MB that logs 100,000 records: its text is searched once.
foreach my $comment ('', ' -- authfort')
{
	my $loop = 'DO $$ BEGIN FOR i IN 1 .. 100000 LOOP RAISE WARNING \'%\', i; END LOOP; END $$ -- '
		. 'z' x 10_000_000 . $comment;
	# each warning of another message would be logged with the whole message
	$dbh->do('SET log_min_error_statement = ' . ($comment eq '' ? 'panic' : 'error'));
	answered("100,000 warnings in 10 MB$comment", $loop, '');
}

# Pieces put together at random, in both protocols.
my @pieces = ("'", '"', '$$', '$a$', "E'", "U&\"", '\\', '--', "\n", '/*', '*/', ';', '(', ')', '[', ',', '.', '::',
	':', '=', '$1', '$2',
	'authfort', 'AUTHFORT.', 'authfort.login(', 'authfort.uid()', 'authfort.verify_jwt(', 'references authfort.users',
		'request.headers', 'request.',
	'SELECT', 'SELECT 1', 'SET', 'SET authfort.jwt =', 'PREPARE p AS', 'EXECUTE p', 'DEALLOCATE p', 'BEGIN', 'COMMIT',
		'ROLLBACK', 'SAVEPOINT s',
	'ROLLBACK TO s', 'DECLARE c CURSOR FOR', 'FETCH c', 'CLOSE c', 'DO', "DO \$\$ BEGIN RAISE WARNING 'x'; END \$\$",
		'EXPLAIN', 'VALUES (1)', 'NULL', '1', 'x',
	"'a'", "\xc3\xa9", 'CREATE TEMPORARY TABLE t (a text)', 'INSERT INTO t VALUES', 'SET CONSTRAINTS ALL IMMEDIATE',
		'COPY t FROM', 'LISTEN x', 'NOTIFY x');
my %states;
my $prepared = DBI->connect('dbi:Pg:' . $node->connstr('app') . ';user=stranger', '', '',
	{ RaiseError => 0, PrintError => 0, PrintWarn => 0, pg_server_prepare => 1, pg_enable_utf8 => 0 });
my $prepared_pid = $prepared->{pg_pid};
$prepared->do('SET client_min_messages = error');
foreach my $round (1 .. 20_000)
{
	my $text = join ' ', map { my $n = int rand 4; join(' ',
		map { $pieces[ int rand @pieces ] } 0 .. $n) } 0 .. int rand 2;
	if ($round % 4 == 0)
	{
		# the driver replaces no placeholders here
		my $sth = $prepared->prepare($text, { pg_direct => 1, pg_prepare_now => 1, pg_placeholder_dollaronly => 1 });
		$prepared->do('ROLLBACK') if !$sth;
	}
	else
	{
		$dbh->do($text);
		$states{ $dbh->state || '00000' }++;
		last if $dbh->state =~ /^(08|57P)/;
	}
	$sent++;
}
note(join ' ', map { "$_: $states{$_}" } sort keys %states);
cmp_ok($sent, '>=', 100_000, 'at least 100,000 statements were sent');
ok($states{'42601'} && $states{'00000'} && $states{'25P02'},
	'the random statements succeed, fail, and meet failed transactions');

$dbh->do('ROLLBACK');
is(($dbh->selectrow_array('SELECT pg_backend_pid()'))[0], $pid, 'the first session is still connected');
$prepared->do('ROLLBACK');
is(($prepared->selectrow_array('SELECT pg_backend_pid()'))[0], $prepared_pid, 'the second session is still connected');
is($node->safe_psql('app', 'SELECT pg_postmaster_start_time()'), $started, 'the server did not restart');
$_->disconnect foreach $dbh, $prepared;
$node->stop;
my $log = join '', map { slurp_file($_) } glob($node->data_dir . '/log/*.csv');
unlike($log, qr/terminated by signal|PANIC|crash recovery|not properly shut down/, 'the log has no crash');
unlike($log, qr/,XX000,/, 'the log has no internal error');
my $hidden = () = $log =~ /,WARNING,01000,"<hidden>"/g;
my $shown = () = $log =~ /,WARNING,01000,"\d+"/g;
is("$hidden $shown", '100000 100000', 'each warning is logged, with its text hidden only in a sensitive message');
done_testing();
