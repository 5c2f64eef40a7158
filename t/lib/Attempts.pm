# Statements of several roles in a node's database "app", and what comes of them.
package Attempts;
use strict;
use warnings FATAL => 'all';

use DBI;
use Exporter 'import';

our @EXPORT_OK = qw(attempt attempt_on session super superuser);

my ($node, $superuser);

# Sets the node of all functions here.
sub attempt_on
{
	($node) = @_;
	$superuser = $node->safe_psql('app', 'SELECT current_user');
	return;
}

sub superuser { return $superuser; }

# A session; options are those of the connection.
sub session
{
	my ($user, $options) = @_;
	local $ENV{PGOPTIONS} = $options if defined $options;
	return DBI->connect('dbi:Pg:' . $node->connstr('app'), $user, '',
		{ RaiseError => 1, PrintError => 0, PrintWarn => 0 });
}

# Runs statements in a session, of their own if a role is given; returns the first
# value of the last one, or "SQLSTATE: message" of the one that failed.
sub attempt
{
	my ($user, @statements) = @_;
	my $db = ref $user ? $user : session($user);
	my $last = pop @statements;
	my $answer = eval {
		$db->do($_) foreach @statements;
		my $statement = $db->prepare($last, { pg_server_prepare => 0 });
		$statement->execute;
		$statement->{NUM_OF_FIELDS} ? ($statement->fetchrow_array)[0] : undef;
	};
	return $@ ? $db->state . ': ' . $db->errstr : $answer;
}

sub super { return attempt($superuser, @_); }

1;
