# Starts the gateway in front of a node's database "app", as the role "gateway".
package Gateway;
use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use IO::Select;
use IO::Socket::INET;
use PostgreSQL::Test::Utils qw(slurp_file);
use Program qw(poll);

our @ISA = ('Program');
our @EXPORT_OK = qw(poll answer exchange send_to status status_of);

# Sends bytes on a connection of their own, because a library would refuse to send malformed requests.
sub send_to
{
	my ($self, $bytes) = @_;
	local $SIG{PIPE} = 'IGNORE';
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Timeout => 60)
	  // die "connect: $!";
	print $socket $bytes;
	$socket->flush;
	return $socket;
}

# All that comes until the other side closes, or nothing comes for a minute.
sub answer
{
	my ($socket) = @_;
	my ($select, $all) = (IO::Select->new($socket), '');
	while ($select->can_read(60))
	{
		sysread($socket, my $bytes, 65536) or return $all;
		$all .= $bytes;
	}
	return "$all (not closed)";
}

sub exchange { my ($self, $bytes) = @_; return answer(send_to($self, $bytes)); }

sub status { return $_[0] =~ m{^HTTP/1\.1 (\d+) } ? $1 : "none: $_[0]"; }

sub status_of { return status(exchange(@_)); }

# Its requests may take a minute, unless the options say otherwise: the machine may be slow.
# The fields of the result: pid, port, and the names of its files log and errors.
sub new
{
	my ($class, $name, $node, @options) = @_;
	my $self = bless { log => $node->basedir . "/$name.log", errors => $node->basedir . "/$name.err" }, $class;
	$self->{pid} = fork() // die "fork: $!";
	if ($self->{pid} == 0)
	{
		open STDOUT, '>', $self->{log} or die;
		open STDERR, '>', $self->{errors} or die;
		exec './gateway/authfort-gateway', '--listen', '127.0.0.1:0', '--dsn', $node->connstr('app') . ' user=gateway',
			'--request-timeout=60', @options;
	}
	poll("$name starts", sub { ($self->{port}) = -e $self->{errors}
		&& slurp_file($self->{errors}) =~ /^listening on \S+:(\d+)$/m; $self->{port} });
	return $self;
}

1;
