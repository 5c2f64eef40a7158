# clients/python: its own tests, one by one, against a cluster.  PYTHON names another interpreter
# than the system's, such as that of a virtual environment with later versions.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(start_node);
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('main', database => undef, preload => 'authfort');
my $python = $ENV{PYTHON} // '/usr/bin/python3';
my $data = $node->data_dir;

delete @ENV{qw(DATABASE_URL PGDATABASE PGUSER)};
@ENV{qw(PGHOST PGPORT)} = ($node->host, $node->port);
$ENV{PYTHONDONTWRITEBYTECODE} = 1;
# the tests stop and start it
$ENV{AUTHFORT_PG_CTL} = "pg_ctl -D $data";
$ENV{AUTHFORT_PG_LOG} = $node->logfile;

my $planned;
open my $tap, '-|', $python, 'clients/python/tests/tap.py' or die "$python: $!";
while (my $line = <$tap>)
{
	chomp $line;
	if ($line =~ /^(not )?ok \d+ - (\S+)( # SKIP (.*))?/)
	{
		my ($failed, $name, $skipped, $why) = ($1, $2, $3, $4);
		if ($skipped)
		{
			diag("$name: $why");
			SKIP: { skip $why, 1; }
		}
		else { ok(!$failed, $name); }
	}
	elsif ($line =~ /^1\.\.(\d+)$/) { $planned = $1; }
	else { diag($line); }
}
ok(close($tap), 'all of them ran');
is($planned, Test::More->builder->current_test - 1, 'as many as planned');
cmp_ok($planned // 0, '>', 90, 'and they are all there');

$node->stop;
done_testing();
