# A dozen tabs that refresh in the same moment, with a token that is current,
# one that was just replaced and one whose successor was lost.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $tabs = 12;
my $node = PostgreSQL::Test::Cluster->new('sessions');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
shared_preload_libraries = 'authfort'
authfort.argon2_memory = '1MB'
authfort.argon2_time_cost = 1
CONF
$node->start;
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
is(all_at_once(), "$tabs|0|1|t", 'within the grace they get it again');
is(state_of_session(), '2|1|f', 'and the session has not moved');

$node->safe_psql('postgres', q{UPDATE authfort.sessions SET last_used_at = last_used_at - interval '1 day'});
is(all_at_once(), "$tabs|0|1|t", 'a day later, for the answer was lost, all get one new successor');
is(state_of_session(), '3|1|f', 'which has the same parent');

$node->stop;
done_testing();
