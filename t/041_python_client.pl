# clients/python: its own tests, one by one, against a cluster.  PYTHON names another interpreter
# than the system's, such as that of a virtual environment with later versions.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(start_node);
use File::Basename qw(basename);
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('main', database => undef, preload => 'authfort');
my $system = '/usr/bin/python3';
my $python = $ENV{PYTHON} // $system;
my $data = $node->data_dir;

delete @ENV{qw(DATABASE_URL PGDATABASE PGUSER)};
@ENV{qw(PGHOST PGPORT)} = ($node->host, $node->port);
$ENV{PYTHONDONTWRITEBYTECODE} = 1;
# the tests stop and start it
$ENV{AUTHFORT_PG_CTL} = "pg_ctl -D $data";
$ENV{AUTHFORT_PG_LOG} = $node->logfile;

is(slurp_file('clients/python/LICENSE'), slurp_file('LICENSE'), 'the package has the license with it');

# Runs the modules, each of their tests as one of ours, and returns how many there were.
sub run_modules
{
	my ($interpreter, @modules) = @_;
	my ($planned, $ran) = (-1, 0);
	open my $tap, '-|', $interpreter, 'clients/python/tests/tap.py', @modules or die "$interpreter: $!";
	while (my $line = <$tap>)
	{
		chomp $line;
		if ($line =~ /^(not )?ok \d+ - (\S+)( # SKIP (.*))?/)
		{
			my ($failed, $name, $skipped, $why) = ($1, $2, $3, $4);
			$ran++;
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
	ok(close($tap), "all tests of @modules ran");
	is($planned, $ran, 'as many as planned');
	return $ran;
}

sub has_sqlalchemy_2
{
	my ($interpreter) = @_;
	my $check = 'import asyncpg, sqlalchemy, sys; sys.exit(sqlalchemy.__version__ < "2")';
	return system("$interpreter -c '$check' 2>/dev/null") == 0;
}

# An interpreter with asyncpg and SQLAlchemy 2, which Debian 12 does not have: then one of PyPI's, beside the
# packages of the system.  Undef only where PyPI cannot be reached.
sub interpreter_for_sqlalchemy
{
	return $python if has_sqlalchemy_2($python);
	my $venv = PostgreSQL::Test::Utils::tempdir() . '/venv';
	my $log = "$venv.log";
	system("$system -m venv --system-site-packages '$venv' >'$log' 2>&1") == 0 or die slurp_file($log);
	# PyPI may fail now and then
	foreach (1 .. 3)
	{
		return "$venv/bin/python"
		  if system("timeout 300 '$venv/bin/pip' install --no-cache-dir 'SQLAlchemy>=2' asyncpg greenlet >'$log' 2>&1") == 0;
	}
	die slurp_file($log) if system('curl -sfo /dev/null -m 30 https://pypi.org/simple/sqlalchemy/') == 0;
	diag('NOT TESTED: authfort_postgresql.sqlalchemy, since neither the system nor PyPI has SQLAlchemy 2 here');
	return undef;
}

my @modules = sort map { basename($_, '.py') } glob 'clients/python/tests/test_*.py';
cmp_ok(run_modules($python, grep { $_ ne 'test_sqlalchemy' } @modules), '>', 120, 'and they are all there');

SKIP:
{
	my $interpreter = interpreter_for_sqlalchemy() // skip 'PyPI cannot be reached', 1;
	run_modules($interpreter, 'test_sqlalchemy');
}

$node->stop;
done_testing();
