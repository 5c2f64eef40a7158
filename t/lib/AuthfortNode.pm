# A cluster as the tests need it: cheap hashing, and databases with the extension.
package AuthfortNode;
use strict;
use warnings FATAL => 'all';

use Carp qw(croak);
use Exporter 'import';
use IO::Socket::INET;
use PostgreSQL::Test::Cluster;
use Test::More;

our @EXPORT_OK = qw(chomped create_database make_node reload required start_node unused_port);

# Creates a database of the encoding and locale that the tests expect, and
# whatever else is to be in it.
sub create_database
{
	my ($node, $name, $sql) = @_;
	my $quoted = $name =~ s/"/""/gr;
	$node->safe_psql('postgres', qq{CREATE DATABASE "$quoted" TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'});
	$node->safe_psql($name, $sql) if defined $sql;
	return;
}

my @making = qw(new init preload conf hba);

sub check_options
{
	my ($options, @known) = @_;
	my %known = map { $_ => 1 } @known;
	$known{$_} or croak qq{unrecognized option "$_"} foreach keys %$options;
	return;
}

# Returns a node, of the class that PostgreSQL's own tests use, before its start.  Options:
#   new, init   lists of further arguments of PostgreSQL::Test::Cluster's methods
#   preload     the value of shared_preload_libraries; default: nothing is preloaded
#   conf        more lines of postgresql.conf; the last value of a setting is valid
#   hba         more lines of pg_hba.conf
sub make_node
{
	my ($name, %options) = @_;
	check_options(\%options, @making);
	my $node = PostgreSQL::Test::Cluster->new($name, @{ $options{new} // [] });
	# later versions of Cluster.pm would make SQL_ASCII, which authfort refuses
	my %init = @{ $options{init} // [] };
	my @extra = @{ delete $init{extra} // [] };
	$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8', @extra ], %init);
	$node->append_conf('postgresql.conf', "authfort.argon2_memory = '1MB'\nauthfort.argon2_time_cost = 1");
	$node->append_conf('postgresql.conf', "shared_preload_libraries = '$options{preload}'") if $options{preload};
	$node->append_conf('postgresql.conf', $options{conf}) if $options{conf};
	$node->append_conf('pg_hba.conf', $options{hba}) if $options{hba};
	return $node;
}

# The same, started, with a database that has the extension.  Options are those
# of make_node(), and:
#   environment what is in the environment of the server alone
#   database    the name of the database; default "app", undef for none
#   sql         what is run in it after CREATE EXTENSION
sub start_node
{
	my ($name, %options) = @_;
	check_options(\%options, @making, qw(environment database sql));
	my $node = make_node($name, map { exists $options{$_} ? ($_ => $options{$_}) : () } @making);
	{
		local @ENV{ keys %{ $options{environment} // {} } } = values %{ $options{environment} // {} };
		$node->start;
	}
	my $database = exists $options{database} ? $options{database} : 'app';
	create_database($node, $database, "CREATE EXTENSION authfort;\n" . ($options{sql} // '')) if defined $database;
	return $node;
}

# Lets new settings of postgresql.conf take effect in every session, from its next statement on: the
# server signals all of them before it accepts another connection.
sub reload
{
	my ($node) = @_;
	$node->reload;
	$node->safe_psql('postgres', 'SELECT 1');
	return;
}

# What a background session answered, without the end of line that BackgroundPsql.pm leaves there up to 16.2.
sub chomped
{
	my ($answer) = @_;
	return $answer =~ s/\n\z//r;
}

# A TCP port for a program that cannot choose one itself.  It is below those that the kernel gives
# to connections: a client that connects to one of these before the program listens may get the same
# port as its own, and is connected to itself.
sub unused_port
{
	while (1)
	{
		my $port = 12_000 + int rand 20_000;
		return $port if IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 1);
	}
}

# Skips the rest of the file unless the condition is true; an error instead where
# AUTHFORT_REQUIRE_ALL, which CI sets, forbids it.
sub required
{
	my ($condition, $what) = @_;
	return if $condition;
	die "AUTHFORT_REQUIRE_ALL is set, but $what\n" if $ENV{AUTHFORT_REQUIRE_ALL};
	diag("NOT TESTED: $what");
	plan skip_all => $what;
}

1;
