# The SQL tests (sql/, expected/) and the isolation tests (specs/), run by
# PostgreSQL's own drivers against one private cluster.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('regress');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
shared_preload_libraries = 'authfort'
authfort.argon2_memory = '1MB'
authfort.argon2_time_cost = 1
CONF
$node->start;

sub names
{
	my ($pattern) = @_;
	return sort map { s{.*/}{}r =~ s{\.\w+$}{}r } glob($pattern);
}

# the master key is announced where it is made, which is in none of the tests
$node->safe_psql('postgres', "CREATE DATABASE first TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'");
$node->safe_psql('first', 'CREATE EXTENSION authfort; SELECT authfort.jwks()');

my @where = ('--host', $node->host, '--port', $node->port, '--inputdir', '.');

foreach my $test (names('sql/*.sql'))
{
	my $ok = run_log([
		$ENV{PG_REGRESS}, @where, '--outputdir', '.', '--use-existing', '--dbname', "regress_$test", $test ])
	  if $node->safe_psql('postgres', "CREATE DATABASE regress_$test TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'") eq ''
	  && $node->safe_psql("regress_$test", 'CREATE EXTENSION authfort') eq '';
	ok($ok, "sql/$test.sql") or diag(slurp_file('regression.diffs'));
}

mkdir 'output_iso';
$node->safe_psql('postgres', "CREATE DATABASE isolation TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'");
$node->safe_psql('isolation', 'CREATE EXTENSION authfort');
foreach my $spec (names('specs/*.spec'))
{
	my $ok = run_log([
		$ENV{PG_ISOLATION_REGRESS}, @where, '--outputdir', 'output_iso', '--use-existing',
		'--dbname', 'isolation', $spec ]);
	ok($ok, "specs/$spec.spec") or diag(slurp_file('output_iso/regression.diffs'));
}

$node->stop;
done_testing();
