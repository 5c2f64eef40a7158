# Which passwords are left in the memory of processes that handled them.
#
# PostgreSQL keeps the messages of the protocol and the parameters of a query
# in memory of its own, and libpq in the gateway its last messages.  None of
# that is ours to wipe.  The messages are overwritten by the next ones, so each
# password here is followed by traffic of the same kind with others in it; a
# parameter may stay in memory that was freed, and is told by the header of a
# text value in front of it.  Of all else no copy may be left.
use strict;
use warnings FATAL => 'all';

use DBD::Pg;
use DBI;
use FindBin;
use lib "$FindBin::Bin/lib";
use Gateway qw(poll);
use HTTP::Tiny;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('memory');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
authfort.argon2_memory = '1MB'
authfort.argon2_time_cost = 1
# writing parameters into the log makes copies of them
log_statement = none
CONF
$node->start;
$node->safe_psql('postgres', "CREATE DATABASE app TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'");
$node->safe_psql('app', 'CREATE EXTENSION authfort; CREATE ROLE gateway LOGIN IN ROLE authfort_http');

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

my $dbh = DBI->connect('dbi:Pg:' . $node->connstr('app'), '', '', { RaiseError => 1, PrintError => 0 });
$dbh->do("SET application_name = 'planted-to-be-found'");
plan skip_all => 'the memory of other processes cannot be read here' unless copies($dbh->{pg_pid}, 'planted-to-be-found');

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
	my $sth = $dbh->prepare("SELECT status FROM authfort.http('POST', ?, NULL, '{\"content-type\": \"application/json\"}', ?)");
	$sth->execute($path, $body);
	my $status = $sth->fetchrow_array;
	$sth->finish;
	return $status;
}

# Calls of the same kinds with nothing in them to be found, of the same length
# and of others.
sub cover
{
	foreach my $filler ('x' x length password(), 'x' x 200)
	{
		foreach (1 .. 3)
		{
			http('/auth/login', encode_json({ email => 'nobody@example.com', password => $filler }));
			call('authfort.login', 'nobody@example.com', $filler);
			call('authfort.change_password', '00000000-0000-0000-0000-000000000000', $filler, $filler);
		}
	}
	call('pg_catalog.repeat', 'x' x 20000, 2) foreach 1 .. 3;
	call('pg_catalog.lower', 'x' x 2**$_) foreach 4 .. 13;
	return;
}

sub is_gone
{
	my ($password, $what, $parameter) = @_;
	cover();
	is(copies($dbh->{pg_pid}, $password, $parameter // $password), 0, "no copy of the password is left after $what");
	return;
}

my $first = password();
like(call('authfort.signup', 'a@example.com', $first), qr/access_token/, 'sign-up');
is_gone($first, 'a sign-up');
like(call('authfort.login', 'a@example.com', $first), qr/access_token/, 'login');
is_gone($first, 'a login');
my $wrong = password();
like(call('authfort.login', 'a@example.com', $wrong), qr/invalid_credentials/, 'login with a wrong password');
is_gone($wrong, 'a login with a wrong password');
my $second = password();
my $id = $dbh->selectrow_array('SELECT id FROM authfort.users');
is(call('authfort.change_password', $id, $first, $second), '{"ok": true}', 'change of password');
is_gone($first, 'its change');
is_gone($second, 'the change to it');
my $lost = password();
like(call('authfort.change_password', '00000000-0000-0000-0000-000000000000', $lost, $lost), qr/does not exist/, 'an error');
is_gone($lost, 'an error');
is(http('/auth/login', encode_json({ email => 'a@example.com', password => $second })), 200, 'login by the router');
is_gone($second, 'a login by the router');
$wrong = password();
is(http('/auth/login', encode_json({ email => 'a@example.com', password => $wrong, more => { nested => [ $wrong, "\"$wrong\n" ] } })), 401, 'a wrong password and more of it');
is_gone($wrong, 'a body with it in several places');
$wrong = password();
is(http('/auth/login', qq({"email": "a\@example.com", "password": "$wrong")), 422, 'a body that is no JSON');
is_gone($wrong, 'a body that is no JSON');

# the gateway, and the backends behind it
my $gateway = Gateway->new('memory', $node, '--pool-size', '2');
my $http = HTTP::Tiny->new(timeout => 60);

sub body
{
	my ($password) = @_;
	return qq({"email": "a\@example.com", "password": "$password"});
}

sub post
{
	my ($password) = @_;
	return $http->post("http://127.0.0.1:$gateway->{port}/auth/login", { headers => { 'Content-Type' => 'application/json' },
		content => body($password) })->{status};
}
poll('gateway connects', sub { post($second) == 200 });
$wrong = password();
is(post($wrong), 401, 'a wrong password over HTTP');
is(post($second), 200, 'and the right one');
# both of its connections
is(post('x' x $_), 401, 'others after it') foreach (length $wrong, 200) x 10;
foreach my $pid ($gateway->{pid}, split /\n/, $node->safe_psql('app', "SELECT pid FROM pg_stat_activity WHERE usename = 'gateway'"))
{
	my $who = $pid == $gateway->{pid} ? 'the gateway' : 'its backend';
	is(copies($pid, $wrong, body($wrong)), 0, "no copy of the wrong password is left in $who");
	is(copies($pid, $second, $second, body($second)), 0, "nor of the right one");
}

is($gateway->stop, 0, 'the gateway ends');
$dbh->disconnect;
$node->stop;
done_testing();
