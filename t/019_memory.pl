# Which passwords are left in the memory of processes that handled them.
#
# PostgreSQL keeps the messages of the protocol and the parameters of a query
# in memory of its own, and libpq in the gateway its last messages.  authfort
# cannot wipe either.  The messages are overwritten by the next ones, so each
# password here is followed by other messages of the same form; a parameter may
# stay in memory that was freed, and is recognized by the header of a text value
# in front of it.  No other copy may be left.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(required start_node);
use DBD::Pg;
use DBI;
use Gateway qw(poll);
use HTTP::Tiny;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# The same scenarios run twice: against authfort as it is, where every password
# has to be gone, and against a server and a gateway whose wiping functions do
# nothing, where they have to be found, or this test would find nothing either.
my $dir = PostgreSQL::Test::Utils::tempdir();
append_to_file("$dir/unwiped.c", <<'C');
#include <stddef.h>
void sodium_memzero(void *memory, size_t len) { (void) memory; (void) len; }
void explicit_bzero(void *memory, size_t len) { (void) memory; (void) len; }
C
system('cc', '-shared', '-fPIC', '-fno-builtin', '-o', "$dir/unwiped.so", "$dir/unwiped.c") == 0 or die 'cc failed';
my %unwiped = (LD_PRELOAD => "$dir/unwiped.so");

# writing parameters into the log makes copies of them
my @options = (conf => 'log_statement = none', sql => 'CREATE ROLE gateway LOGIN IN ROLE authfort_http');

# How often a text is in the memory of a process, but for the values of these
# parameters; undef if that cannot be read.
sub copies
{
	my ($pid, $text, @parameters) = @_;
	open my $memory, '<:raw', "/proc/$pid/mem" or return;
	my $count = 0;
	foreach (split /\n/, slurp_file("/proc/$pid/maps"))
	{
		my ($from, $to) = /^([0-9a-f]+)-([0-9a-f]+) rw/ or next;
		no warnings 'portable';
		my $length = hex($to) - hex($from);
		my $bytes = '';
		sysseek $memory, hex($from), 0 or next;
		while (length $bytes < $length)
		{
			sysread $memory, $bytes, $length - length $bytes, length $bytes or last;
		}
		foreach my $parameter (@parameters)
		{
			my $value = pack('V', (4 + length $parameter) << 2) . $parameter;
			$bytes =~ s/\Q$value\E//g;
		}
		$count++ while $bytes =~ /\Q$text\E/g;
	}
	return $count;
}

my ($dbh, %found);
my $number = 0;

# A password that was nowhere before, and is long enough to be found.
sub password
{
	return sprintf '%s-%06d-%s', 'planted', ++$number, join '', map { chr(97 + int rand 26) } 1 .. 16;
}

sub call
{
	my ($function, @arguments) = @_;
	my $sth = $dbh->prepare("SELECT $function(" . join(', ', ('?') x @arguments) . ')');
	my $done = eval { $sth->execute(@arguments); 1 };
	my $result = $done ? $sth->fetchrow_array : $@;
	$sth->finish;
	return $result;
}

sub http
{
	my ($path, $body) = @_;
	my $sth = $dbh->prepare("SELECT status FROM authfort.http('POST', ?, NULL, '{\"content-type\": "
		. "\"application/json\"}', ?)");
	$sth->execute($path, $body);
	my $status = $sth->fetchrow_array;
	$sth->finish;
	return $status;
}

# Overwrites PostgreSQL's own copies of a message and its parameters, by messages
# of the same kinds, of the same length and of others.  None of them calls
# authfort, whose memory this must not overwrite.
sub cover
{
	foreach my $filler ('x' x length password(), 'x' x 200)
	{
		foreach (1 .. 3)
		{
			call('pg_catalog.concat', '/auth/login',
				encode_json({ email => 'nobody@example.com', password => $filler }));
			call('pg_catalog.concat', 'nobody@example.com', $filler);
			call('pg_catalog.concat', '00000000-0000-0000-0000-000000000000', $filler, $filler);
		}
	}
	call('pg_catalog.repeat', 'x' x 20000, 2) foreach 1 .. 3;
	# a freed parameter may lie anywhere in a block of 8 kB: each length reaches further into it
	call('pg_catalog.lower', 'x' x (16 * $_)) foreach 1 .. 512;
	return;
}

# Counts the copies of a password, under the name of what was done with it.
sub look_for
{
	my ($password, $what, $parameter) = @_;
	cover();
	$found{$what} = copies($dbh->{pg_pid}, $password, $parameter // $password);
	return;
}

# A sign-in and what may go wrong with it, by SQL and by the router.
sub use_passwords_in_sql
{
	my ($node) = @_;
	$dbh = DBI->connect('dbi:Pg:' . $node->connstr('app'), '', '', { RaiseError => 1, PrintError => 0 });
	$dbh->do("SET application_name = 'planted-to-be-found'");
	required(copies($dbh->{pg_pid}, 'planted-to-be-found'), 'the memory of other processes cannot be read here');

	my $first = password();
	like(call('authfort.signup', 'a@example.com', $first), qr/access_token/, 'sign-up succeeds');
	look_for($first, 'a sign-up');
	like(call('authfort.login', 'a@example.com', $first), qr/access_token/, 'login succeeds');
	look_for($first, 'a login');
	my $wrong = password();
	like(call('authfort.login', 'a@example.com', $wrong), qr/invalid_credentials/,
		'login with a wrong password is refused');
	look_for($wrong, 'a login with a wrong password');
	my $second = password();
	my $id = $dbh->selectrow_array('SELECT id FROM authfort.users');
	is(call('authfort.change_password', $id, $first, $second), '{"ok": true}', 'the password is changed');
	look_for($first, 'a change from it');
	look_for($second, 'a change to it');
	my $lost = password();
	like(call('authfort.change_password', '00000000-0000-0000-0000-000000000000', $lost, $lost),
		qr/does not exist/, 'a change for an unknown user raises an error');
	look_for($lost, 'an error');
	is(http('/auth/login', body($second)), 200, 'login by the router succeeds');
	look_for($second, 'a login by the router', body($second));
	$wrong = password();
	my $several = JSON::PP->new->canonical->encode({
			email => 'a@example.com', password => $wrong, more => { nested => [ $wrong, "\"$wrong\n" ] } });
	is(http('/auth/login', $several), 401, 'a wrong password, and more members with it, are refused by the router');
	look_for($wrong, 'a body with it in several places', $several);
	$wrong = password();
	my $broken = substr body($wrong), 0, -1;
	is(http('/auth/login', $broken), 422, 'a body that is not JSON is refused by the router');
	look_for($wrong, 'a body that is not JSON', $broken);
	$dbh->disconnect;
	return $second;
}

sub body
{
	my ($password) = @_;
	return qq({"email": "a\@example.com", "password": "$password"});
}

# The same over HTTP: the gateway, and the backends behind it.
sub use_passwords_over_http
{
	my ($node, $right) = @_;
	my $gateway = Gateway->new('memory', $node, '--pool-size', '2');
	my $http = HTTP::Tiny->new(timeout => 60);
	my $post = sub {
		return $http->post("http://127.0.0.1:$gateway->{port}/auth/login",
			{ headers => { 'Content-Type' => 'application/json' }, content => body($_[0]) })->{status};
	};
	poll('gateway connects', sub { $post->($right) == 200 });
	my $wrong = password();
	is($post->($wrong), 401, 'a wrong password is refused over HTTP');
	is($post->($right), 200, 'the right password is accepted over HTTP');
	# both of its connections
	my @fillers = map { 'x' x $_ } ((length $wrong, 200) x 10);
	is_deeply([ grep { $post->($_) != 401 } @fillers ], [], 'other passwords after it are refused');

	my @backends = split /\n/, $node->safe_psql('app', "SELECT pid FROM pg_stat_activity WHERE usename = 'gateway'");
	$found{'a wrong password in the gateway'} = copies($gateway->{pid}, $wrong, body($wrong));
	$found{'the right password in the gateway'} = copies($gateway->{pid}, $right, $right, body($right));
	foreach my $i (0 .. $#backends)
	{
		$found{"a wrong password in backend $i of the gateway"} = copies($backends[$i], $wrong, body($wrong));
		$found{"the right password in backend $i of the gateway"} = copies($backends[$i], $right, $right,
			body($right));
	}
	is($gateway->stop, 0, 'the gateway ends');
	return;
}

my $node = start_node('memory', @options);
use_passwords_over_http($node, use_passwords_in_sql($node));
cmp_ok(scalar keys %found, '>=', 15, 'all cases were looked at');
is($found{$_}, 0, "no copy of the password is left after $_") foreach sort keys %found;
$node->stop;

%found = ();
my $control = start_node('unwiped', @options, environment => \%unwiped);
{
	local @ENV{ keys %unwiped } = values %unwiped;
	use_passwords_over_http($control, use_passwords_in_sql($control));
}
note "without wiping: $_: $found{$_}" foreach sort keys %found;
sub cases_found { my ($pattern) = @_; return scalar grep { /$pattern/ && $found{$_} > 0 } keys %found; }
cmp_ok(cases_found(qr/^(?!.*gateway)/), '>=', 3, 'without wiping, passwords are found in a session');
cmp_ok(cases_found(qr/ in the gateway$/), '>', 0, 'without wiping, a password is found in the gateway');
cmp_ok(cases_found(qr/ in backend \d+ of the gateway$/), '>', 0,
	'without wiping, a password is found behind the gateway');
$control->stop;
done_testing();
