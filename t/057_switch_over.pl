# The switch-over by logical replication, as docs/backup.md says: backends of the subscriber learn of
# keys, deletions and the claims hook that are replicated, and everything works afterwards.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(chomped start_node);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($section) = slurp_file('docs/backup.md') =~ /## Switch-over by logical replication\n(.*?)\n## /s;
my ($publish, $subscribe, $end) = $section =~ /^ +((?:CREATE|DROP) \w+ion .*;)$/gim;
like($end, qr/^DROP SUBSCRIPTION/, 'the manual has the three statements');

my $hook = <<'SQL';
CREATE FUNCTION shop(claims jsonb, account jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"shop": 7}'::jsonb $$;
CREATE TABLE note (owner uuid REFERENCES authfort.users ON DELETE CASCADE, id integer PRIMARY KEY);
SQL
my @options = (init => [ allows_streaming => 'logical' ], preload => 'authfort', sql => $hook,
	conf => 'authfort.cleanup_interval = 0');
my $old = start_node('old', @options);
my $new = start_node('new', @options);

sub in_old { return $old->safe_psql('app', $_[0]); }
sub token { return in_old("SELECT authfort.login('$_[0]\@example.com', 'correct horse') #>> '{tokens,$_[1]_token}'"); }
sub caught_up { $old->wait_for_catchup('app'); return; }

in_old("SELECT authfort.create_user('$_\@example.com', 'correct horse', roles => '{editor}')") foreach qw(ada bob);
in_old('INSERT INTO note SELECT id, row_number() OVER () FROM authfort.users');
my $refresh = token('ada', 'refresh');
my $of_bob = token('bob', 'access');
my $before = token('ada', 'access');

my $key = slurp_file($old->data_dir . '/authfort_master.key');
append_to_file($new->data_dir . '/authfort_master.key', $key);
chmod 0600, $new->data_dir . '/authfort_master.key';
in_old($publish);
$new->safe_psql('app', $subscribe =~ s/'.*?'/'$$' . $old->connstr('app') . '$$'/er);
$new->wait_for_subscription_sync($old, 'app', 'app');

# what a backend of the subscriber has cached: the keys, and, from a login that is undone, the hook
my $backend = $new->background_psql('app', on_error_stop => 0);
sub in_backend { return chomped($backend->query($_[0])); }
sub verified { return in_backend("SELECT authfort.verify_jwt('$_[0]')->>'email'"); }
is(verified($before), 'ada@example.com', 'the subscriber verifies tokens');
is(in_backend("SELECT authfort.authenticate('$of_bob') ->> 'email'"), 'bob@example.com', 'and authenticates users');
in_backend("BEGIN; SELECT authfort.login('ada\@example.com', 'correct horse'); ROLLBACK");

in_old('SELECT authfort.rotate_key()');
in_old("SELECT authfort.set_claims_hook('shop(jsonb, jsonb)')");
my $after = token('ada', 'access');
in_old("SELECT authfort.delete_user(id, hard => true) FROM authfort.users WHERE email = 'bob\@example.com'");
caught_up();
is(verified($after), 'ada@example.com', 'a backend of the subscriber learns of a new key');
is(verified($before), 'ada@example.com', 'and keeps the one before');
is(in_backend("SELECT authfort.authenticate('$of_bob') ->> 'email'"), '',
	'a replicated deletion ends the tokens of the user');
foreach my $table (qw(user_roles sessions))
{
	is($new->safe_psql('app', "SELECT count(*) FROM authfort.$table WHERE user_id NOT IN "
		. '(SELECT id FROM authfort.users)'), 0, "no row of $table is left");
}
is($new->safe_psql('app', 'SELECT count(*) FROM note'), 1, 'nor in the table of the application');

my $rows = 'SELECT md5(string_agg(x, chr(10) ORDER BY x)) FROM (SELECT u::text FROM authfort.users u UNION ALL '
	. 'SELECT s::text FROM authfort.sessions s UNION ALL SELECT e::text FROM authfort.events e UNION ALL '
	. 'SELECT k::text FROM authfort.signing_keys k UNION ALL SELECT i::text FROM authfort.database_identity i) t(x)';
is($new->safe_psql('app', $rows), in_old($rows), 'both databases have the same rows');
$new->safe_psql('app', $end);
$old->stop;

is(in_backend("SELECT authfort.refresh('$refresh') ? 'tokens'"), 't', 'a session continues after the switch-over');
like(in_backend("SELECT authfort.login('ada\@example.com', 'correct horse') #>> '{tokens,access_token}'"),
	qr/^[\w-]+\.[\w-]+\.[\w-]+$/, 'a password is accepted');
is(in_backend('SELECT authfort.verify_jwt(authfort.login($$ada@example.com$$, $$correct horse$$)'
	. q{ #>> '{tokens,access_token}')->>'shop'}), 7, 'the replicated claims hook is called');
is(in_backend('SELECT authfort.rotate_key() IS NOT NULL'), 't', 'keys rotate');
is(in_backend("SELECT authfort.create_user('eve\@example.com')->>'email'"), 'eve@example.com', 'users can be created');
$backend->quit;
$new->stop;
done_testing();
