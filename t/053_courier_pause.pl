# A courier whose mail server is away, and messages that cannot be rendered: these say nothing about the server.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(start_node);
use Courier qw(poll);
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = start_node('pause', preload => 'authfort', sql => <<'SQL');
CREATE ROLE courier LOGIN IN ROLE authfort_courier;
SELECT authfort.create_user('ada@example.com', 'first password')->>'id' AS ada \gset
SELECT count(authfort.send_message(:'ada', 'no_template', '{}')) FROM generate_series(1, 20);
SQL
$node->safe_psql('app', q{SELECT status FROM authfort.http('POST', '/auth/forgot-password', NULL, }
	. q{'{"content-type": "application/json"}', '{"email": "ada@example.com"}')});
is($node->safe_psql('app', 'SELECT count(*) FROM authfort.outbox'), 21, 'messages wait');

# port 1 is closed
my $courier = Courier->new('pause', $node, '--smtp-url', 'smtp://127.0.0.1:1', '--from', 'no-reply@example.com',
	'--retry-min', '1');
poll('three pauses', sub { my @pauses = $courier->output =~ /smtp pauses for/g; @pauses >= 3 });
is($courier->stop, 0, 'the courier ends');
like($courier->output, qr/no_template smtp deferred attempt \d+ \d+ ms: no template/,
	'messages without a template were tried');
unlike($courier->output, qr/works again/, 'they are no sign that the server works');
my @waits = $courier->output =~ /smtp pauses for (\d+) s/g;
cmp_ok($waits[2], '>', $waits[0], 'pauses get longer: ' . join(', ', @waits));
is($node->safe_psql('app', 'SELECT count(*) FROM authfort.outbox'), 21, 'no message is lost');
done_testing();
