# Whether the time that an answer takes reveals which emails have an account.
#
# Requests for each kind of account are interleaved in random order.  A kind
# fails if its median differs from that of unknown emails by more than a limit,
# 3%, and by that much not by chance (Mann-Whitney, p < 0.001).  A kind that nothing protects
# shows that the test would see a difference: accounts whose hash costs more
# than the present settings, which no decoy can make up for.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(start_node);
use DBD::Pg;
use DBI;
use JSON::PP;
use List::Util qw(shuffle);
use POSIX qw(erfc);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

my $rounds = $ENV{TIMING_ROUNDS} // 200;
my $seed = $ENV{TIMING_SEED} // 1;
my $accounts = 20;
srand($seed);
note("TIMING_ROUNDS=$rounds TIMING_SEED=$seed");

my $node = start_node('timing', preload => 'authfort', conf => <<'CONF', sql => <<SQL);
authfort.hide_accounts = on
authfort.argon2_memory = '8MB'
authfort.argon2_time_cost = 2
fsync = on
autovacuum = off
log_statement = none
CONF
CREATE FUNCTION pg_temp.make(kind text) RETURNS SETOF jsonb LANGUAGE sql AS
	\$\$ SELECT authfort.create_user(kind || n || '\@example.com', 'correct horse')
		FROM generate_series(1, $accounts) n \$\$;
SELECT FROM pg_temp.make('usual');
SELECT authfort.ban_user((u->>'id')::uuid) FROM pg_temp.make('banned') u;
SELECT authfort.delete_user((u->>'id')::uuid) FROM pg_temp.make('gone') u;
SELECT FROM pg_temp.make('bare');
UPDATE authfort.users SET password_hash = NULL WHERE email LIKE 'bare%';
-- from before somebody raised the cost
SET authfort.argon2_memory = '4MB';
SELECT FROM pg_temp.make('less');
RESET authfort.argon2_memory;
SET authfort.argon2_time_cost = 1;
SELECT FROM pg_temp.make('fast');
-- from before the cost was lowered
SET authfort.argon2_time_cost = 3;
SELECT FROM pg_temp.make('dear');
CHECKPOINT;
SQL

my $dbh = DBI->connect('dbi:Pg:' . $node->connstr('app'), '', '', { RaiseError => 1, PrintError => 0 });
my $http = $dbh->prepare(q{SELECT status, headers, body }
	. q{FROM authfort.http('POST', ?, NULL, '{"content-type": "application/json"}', ?, '192.0.2.7')});
my $token = $dbh->prepare('SELECT authfort.create_password_reset_token(?) IS NOT NULL');
my $json = JSON::PP->new->canonical;
my $serial = 0;

# The next of the accounts of a kind; "unknown" emails are new each time.
sub email
{
	my ($kind) = @_;
	$serial++;
	return $kind . ($kind eq 'unknown' ? $serial : $serial % $accounts + 1) . '@example.com';
}

# The answer as one text, and the seconds until it was there.
sub measure
{
	my ($statement, @arguments) = @_;
	my $begin = clock_gettime(CLOCK_MONOTONIC);
	$statement->execute(@arguments);
	my $answer = $statement->fetchall_arrayref;
	my $seconds = clock_gettime(CLOCK_MONOTONIC) - $begin;
	return (join('|', map { $_ // '' } @{ $answer->[0] }), $seconds);
}

sub post
{
	my ($route, %body) = @_;
	return measure($http, "/auth/$route", $json->encode(\%body));
}

sub median
{
	my @sorted = sort { $a <=> $b } @_;
	return ($sorted[ $#sorted / 2 ] + $sorted[ @sorted / 2 ]) / 2;
}

# How likely chance alone makes a difference like this (Mann-Whitney, two-sided).
sub probability
{
	my ($first, $second) = @_;
	my ($n, $m) = (scalar @$first, scalar @$second);
	my @all = sort { $a->[0] <=> $b->[0] } (map { [ $_, 1 ] } @$first), (map { [ $_, 0 ] } @$second);
	my $ranks = 0;
	$ranks += $all[$_][1] * ($_ + 1) foreach 0 .. $#all;
	my $u = $ranks - $n * ($n + 1) / 2;
	return erfc(abs($u - $n * $m / 2) / sqrt($n * $m * ($n + $m + 1) / 12) / sqrt(2));
}

# Runs a request for each kind in each round; the seconds that each took.
sub interleave
{
	my ($what, $request, @kinds) = @_;
	my (%seconds, %answers);

	foreach my $round (0 .. $rounds)
	{
		foreach my $kind (shuffle(@kinds))
		{
			my ($answer, $seconds) = $request->(email($kind));
			# the first round plans statements and fills caches
			push @{ $seconds{$kind} }, $seconds if $round > 0;
			$answers{$answer} = 1;
		}
	}
	is(scalar keys %answers, 1, "$what: one answer for all") or diag(join "\n", keys %answers);
	return \%seconds;
}

# Whether one kind cannot be distinguished from unknown emails, and the figures.  What has to be unlikely is a
# difference within the limit, so the others are moved to its bound: on a noisy machine a difference of 2% may
# well be measured as one of 4%.
sub judge
{
	my ($limit, $kind, $unknown) = @_;
	my $difference = median(@$kind) / median(@$unknown) - 1;
	my $bound = 1 + ($difference > 0 ? $limit : -$limit);
	my $probability = probability($kind, [ map { $bound * $_ } @$unknown ]);
	return (abs($difference) <= $limit || $probability >= 0.001,
		sprintf('%+.2f%% of %.2f ms, p = %.3g', 100 * $difference, 1000 * median(@$unknown), $probability));
}

# Holds kinds of accounts against unknown emails.  What else the machine does
# can hit one kind harder, but not twice: a difference has to show again.
sub compare
{
	my ($what, $limit, $request, @kinds) = @_;
	my $seconds = interleave($what, $request, 'unknown', @kinds);

	foreach my $kind (@kinds)
	{
		my ($alike, $result) = judge($limit, $seconds->{$kind}, $seconds->{unknown});
		if (!$alike)
		{
			note("$what: $kind once more ($result)");
			my $again = interleave($what, $request, 'unknown', $kind);
			($alike, $result) = judge($limit, $again->{$kind}, $again->{unknown});
		}
		ok($alike, "$what: $kind accounts take as long as unknown emails ($result)");
	}
}

# The opposite: this kind must be distinguished, or compare() proves nothing.
sub compare_unprotected
{
	my ($what, $limit, $request, $kind) = @_;
	my ($alike, $result);
	# what else the machine does may hide it once
	foreach (1 .. 3)
	{
		my $seconds = interleave($what, $request, 'unknown', $kind);
		($alike, $result) = judge($limit, $seconds->{$kind}, $seconds->{unknown});
		last if !$alike;
	}
	ok(!$alike, "$what: $kind accounts, which nothing protects, are distinguished ($result)");
}

# the statistic itself, on samples known to differ and known to be equal
my @base = map { 10 + 0.1 * rand } 1 .. $rounds;
ok(probability([ map { $_ + 0.05 } @base ], [ @base ]) < 0.001, 'the statistic sees a shift by half of the spread');
ok(probability([ map { 10 + 0.1 * rand } @base ], [ @base ]) > 0.001,
	'the statistic sees no shift between equal samples');

sub log_in { return post('login', email => $_[0], password => 'wrong horse'); }
compare('login', 0.03, \&log_in, qw(usual bare banned gone));
compare('signup', 0.03, sub { post('signup', email => $_[0], password => 'correct horse') }, qw(usual));
compare('forgot-password', 0.03, sub { post('forgot-password', email => $_[0]) }, qw(usual));
foreach my $route (qw(magic-link otp resend-verification))
{
	compare($route, 0.03, sub { post($route, email => $_[0]) }, qw(usual banned gone));
}
compare('otp/verify', 0.03, sub { post('otp/verify', email => $_[0], code => 'wrong') }, qw(usual banned gone));
compare('create_password_reset_token', 0.03, sub { ('', (measure($token, $_[0]))[1]) }, qw(usual));
# The work that is missing to a hash of less memory or passes is added up, but
# how long it takes depends on the caches; without, it is 40% and 30% less.
compare('login', 0.25, \&log_in, qw(less fast));
compare_unprotected('login', 0.03, \&log_in, 'dear');
$dbh->disconnect;
$node->stop;
done_testing();
