# Sessions in use: a dozen tabs that refresh in the same moment, with a token
# that is current, one that was just replaced and one whose successor was lost;
# and guesses at the old password of a session that was left open.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(start_node);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $tabs = 12;
my $node = start_node('sessions', preload => 'authfort', database => undef, conf => "authfort.refresh_grace = '5min'");
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION authfort;
CREATE TABLE presented (token text);
CREATE TABLE answers (answer jsonb);
INSERT INTO presented SELECT authfort.signup('ada@example.com', 'correct horse')#>>'{tokens,refresh_token}';
SQL

my $script = $node->basedir . '/refresh.sql';
append_to_file($script, "INSERT INTO answers SELECT authfort.refresh(token) FROM presented;\n");

# Returns "refusals, different tokens, whether it is another one than was presented".
sub all_at_once
{
	$node->safe_psql('postgres', 'TRUNCATE answers');
	$node->command_ok([ 'pgbench', '-n', '-c', $tabs, '-j', 4, '-t', 1, '-f', $script, 'postgres' ],
		"$tabs clients refresh");
	return $node->safe_psql('postgres', <<'SQL');
SELECT count(*), count(answer->>'error'), count(DISTINCT answer#>>'{tokens,refresh_token}'),
	bool_and(answer#>>'{tokens,refresh_token}' <> token) FROM answers, presented
SQL
}

sub state_of_session
{
	return $node->safe_psql('postgres', 'SELECT generation, parent, revoked_at IS NOT NULL FROM authfort.sessions');
}

is(all_at_once(), "$tabs|0|1|t", 'the current token rotates once, and all tabs get the same successor');
is(state_of_session(), '2|1|f', 'the session is at its second generation');
is(all_at_once(), "$tabs|0|1|t", 'all tabs get the same successor again within the grace period');
is(state_of_session(), '2|1|f', 'the generation does not change within the grace period');

$node->safe_psql('postgres', q{UPDATE authfort.sessions SET last_used_at = last_used_at - interval '1 day'});
is(all_at_once(), "$tabs|0|1|t", 'all tabs get one new successor a day after a lost answer');
is(state_of_session(), '3|1|f', 'the new successor has the same parent');

# guesses at the old password of a session that was left open
sub guesses
{
	my ($count, $arguments) = @_;
	return join ' ', map {
		$node->safe_psql('postgres', <<"SQL")
SELECT coalesce(r->>'error', 'ok')
	FROM authfort.users u, authfort.change_password(u.id, 'wrong', 'battery staple', $arguments) r
SQL
	} 1 .. $count;
}
$node->safe_psql('postgres', q{ALTER DATABASE postgres SET authfort.rate_limit_login = '5/day'});
is(guesses(7, "ip_address => '192.0.2.1'"), join(' ', ('invalid_password') x 7),
	'wrong old passwords are not limited where limits are off');
$node->safe_psql('postgres', 'ALTER DATABASE postgres SET authfort.rate_limit = on');
is(guesses(7, "ip_address => '192.0.2.1'"), join(' ', ('invalid_password') x 5, ('rate_limit_exceeded') x 2),
	'five wrong old passwords a day are allowed');
is(guesses(1, "ip_address => '192.0.2.2'"), 'rate_limit_exceeded',
	'the limit of old passwords holds for all addresses together');
is($node->safe_psql('postgres', q{
	SELECT authfort.login('ada@example.com', 'correct horse', ip_address => '192.0.2.1')->>'error' IS NULL}), 't',
	'a login is counted apart from changes of the password');
is($node->safe_psql('postgres', q{
	SELECT authfort.change_password(id, 'correct horse', 'battery staple', ip_address => '192.0.2.3')->>'status'
	FROM authfort.users}), '429', 'the right old password is refused past the limit');
is($node->safe_psql('postgres', q{SELECT event, payload->>'reason', payload->>'endpoint', count(*) FROM authfort.events
	WHERE event IN ('login_failed', 'rate_limit_exceeded') GROUP BY 1, 2, 3 ORDER BY 1}),
	"login_failed|invalid_password||12\nrate_limit_exceeded||change_password|2",
	'each guess makes an event, and the first over each limit another');
is($node->safe_psql('postgres', q{
	SELECT count(*) FROM authfort.rate_limit_status('ada@example.com', '192.0.2.1')
	WHERE endpoint = 'change_password' AND retry_after > 0}), '2',
		'rate_limit_status() reports the limit of change_password');

$node->stop;
done_testing();
