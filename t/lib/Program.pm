# A program that a test runs beside the server: an object with its "pid".
package Program;
use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(poll);

# Waits until the condition is true; dies after three minutes.
sub poll
{
	my ($what, $condition) = @_;
	my $deadline = time + 180;
	until ($condition->())
	{
		die "timed out: $what" if time > $deadline;
		sleep 0.05;
	}
	return 1;
}

# Asks it to end, and does not wait.
sub terminate { kill 'TERM', $_[0]{pid}; return; }

# Waits for its end and returns its exit status.
sub wait
{
	my ($self) = @_;
	waitpid delete $self->{pid}, 0;
	return $?;
}

sub stop
{
	my ($self) = @_;
	$self->terminate;
	return $self->wait;
}

sub DESTROY
{
	my ($self) = @_;
	local ($?, $@, $!);
	return unless $self->{pid};
	kill 'KILL', $self->{pid};
	waitpid $self->{pid}, 0;
	return;
}

1;
