# The SQL tests (sql/, expected/) and the isolation tests (specs/), run by
# PostgreSQL's own drivers against one private cluster.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(start_node);
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# the worker would delete what a test has let expire, in the moment between two of its statements
my $node = start_node('regress', preload => 'authfort', conf => 'authfort.cleanup_interval = 0', database => undef);

# by the script that "make installcheck" runs against any server
$ENV{OUTPUTDIR} = "$ENV{TESTDATADIR}/installcheck";
my ($out, $err) = ('', '');
my $passed = IPC::Run::run(
	[ 'env', 'PGHOST=' . $node->host, 'PGPORT=' . $node->port, 'scripts/installcheck' ], '>', \$out, '2>', \$err);

foreach my $file (glob('sql/*.sql'), glob('specs/*.spec'))
{
	my ($lines) = $out =~ /^((?:ok|FAIL|skip) \Q$file\E\b.*?)(?=^(?:ok|FAIL|skip|PostgreSQL) |\z)/ms;
	like($lines // '', qr/^ok /, $file) or diag($lines // "not run\n$err");
}
ok($passed, 'scripts/installcheck reports success') or diag("$out\n$err");

$node->stop;
done_testing();
