# Runs the courier for a node's database "app", as the role "courier", and the
# servers that it sends to.
package Courier;
use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use IPC::Run ();
use JSON::PP;
use PostgreSQL::Test::Utils qw(slurp_file);
use Program qw(poll);

our @ISA = ('Program');
our @EXPORT_OK = qw(poll start_server run_courier);

# A process of its own, whose output goes to files, which exist from now on.
sub spawn
{
	my ($self, @command) = @_;
	open my $out, '>>', $self->{log} or die "open $self->{log}: $!";
	open my $errors, '>>', $self->{errors} or die "open $self->{errors}: $!";
	$self->{pid} = fork() // die "fork: $!";
	if ($self->{pid} == 0)
	{
		open STDOUT, '>&', $out or die;
		open STDERR, '>&', $errors or die;
		exec @command or die "exec: $!";
	}
	return $self;
}

# A server in Python, t/lib/NAME.py, with a folder of its own; it prints its port.
sub start_server
{
	my ($program, $folder, @options) = @_;
	mkdir $folder;
	my $self = bless { folder => $folder, log => "$folder/port", errors => "$folder/errors" }, 'Courier::Server';
	unlink $self->{log};
	spawn($self, '/usr/bin/python3', "t/lib/$program.py", $folder, @options);
	poll("$program starts", sub {
		($self->{port}) = -e $self->{log} && slurp_file($self->{log}) =~ /^(\d+)$/m;
		$self->{port};
	});
	return $self;
}

sub command
{
	my ($node, @options) = @_;
	return ('./courier/authfort-courier', '--dsn', $node->connstr('app') . ' user=courier', @options);
}

# Runs it to its end; returns its exit status, standard output and error.
sub run_courier
{
	my ($node, @options) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ command($node, @options) ], '<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(300));
	return ($? >> 8, $out, $err);
}

# Starts it; it runs until it is stopped.
sub new
{
	my ($class, $name, $node, @options) = @_;
	my $self = bless { log => $node->basedir . "/$name.log", errors => $node->basedir . "/$name.err" }, $class;
	return spawn($self, command($node, @options));
}

sub output { my ($self) = @_; return slurp_file($self->{log}) . slurp_file($self->{errors}); }

package Courier::Server;
use strict;
use warnings FATAL => 'all';

use Fcntl qw(:flock);
use JSON::PP;

our @ISA = ('Courier');

# Words that say how it misbehaves.
sub set_mode
{
	my ($self, $mode) = @_;
	my $file = "$self->{folder}/mode";
	open my $out, '>', "$file.new" or die "$file: $!";
	print $out $mode;
	close $out;
	rename "$file.new", $file or die "$file: $!";
	return;
}

# The lines of what it has received; it writes each of them under a lock.
sub lines
{
	my ($self, $forget) = @_;
	open my $file, '+<', "$self->{folder}/mails" or return ();
	flock $file, LOCK_EX or die "flock: $!";
	my @lines = <$file>;
	truncate $file, 0 if $forget;
	close $file;
	return @lines;
}

# What it has received, and forgets then.
sub received { my ($self) = @_; return map { decode_json($_) } $self->lines(1); }

sub count { my ($self) = @_; return scalar(my @lines = $self->lines(0)); }

1;
