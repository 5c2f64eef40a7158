# Restarts, dumps, standbys and the master key, each with a server of its own.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(chomped create_database start_node);
use DBI;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('primary', init => [ allows_streaming => 1 ]);

# without preload the whole SQL API works
sub tokens
{
	my ($call) = @_;
	return split /\|/, $node->safe_psql('app',
		"SELECT r#>>'{tokens,access_token}', r#>>'{tokens,refresh_token}' FROM authfort.$call r");
}

my $password = 'planted-Secret-1';
my ($access, $refresh) = tokens("signup('a\@example.com', '$password')");
like($access, qr/^[\w-]+\.[\w-]+\.[\w-]+$/, 'sign-up gives an access token');

my $key_file = $node->data_dir . '/authfort_master.key';
is((stat $key_file)[2] & 07777, 0600, 'only the owner can read the master key file');
my ($master_key) = slurp_file($key_file) =~ /^([0-9a-f]{64})$/m;
ok($master_key, 'the master key file holds the master key');

# a restart ends no session
$node->restart;
is($node->safe_psql('app', "SELECT authfort.authenticate('$access')->>'email'"),
	'a@example.com', 'an access token survives a restart');
($access, $refresh) = tokens("refresh('$refresh')");
ok($refresh, 'a refresh token survives a restart');

# a hot standby verifies, and follows rotation
my $backup = 'base';
$node->backup($backup);
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, $backup, has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
is($standby->safe_psql('app', "SELECT authfort.verify_jwt('$access')->>'email'"),
	'a@example.com', 'a standby verifies an access token');
is($standby->safe_psql('app', "SET authfort.jwt = '$access'; SELECT authfort.uid() IS NOT NULL"),
	't', 'a standby knows the identity of a session');
is($standby->safe_psql('app', "SELECT authfort.authenticate('$access')->>'email'"),
	'a@example.com', 'a standby authenticates a request');
is($standby->safe_psql('app', "SELECT jsonb_array_length(authfort.jwks()->'keys')"), '1',
	'a standby returns the key set');
my ($code, $out, $err) = $standby->psql('app', "SELECT authfort.login('a\@example.com', '$password')");
like($err, qr/read-only transaction/, 'a standby refuses a login');

my $session = $standby->background_psql('app');
is(chomped($session->query_safe("SELECT authfort.try_verify_jwt('$access') IS NOT NULL;")), 't',
	'an open connection to the standby verifies an access token');
$node->safe_psql('app', 'SET authfort.key_rotation_ttl = 0; SELECT authfort.rotate_key()');
$node->wait_for_catchup($standby);
is(chomped($session->query_safe("SELECT authfort.try_verify_jwt('$access') IS NOT NULL;")), 'f',
	'a rotation reaches an open connection to the standby at commit');
$session->quit;
$standby->stop;

# events are announced if notify_events is on
my $listener = DBI->connect('dbi:Pg:' . $node->connstr('app'), '', '', { RaiseError => 1, PrintError => 0 });
$listener->do("SET authfort.notify_events = on; LISTEN authfort_events; LISTEN authfort_outbox");
my $forgot = q{SELECT status FROM authfort.http('POST', '/auth/forgot-password', NULL, }
	. q{'{"content-type": "application/json"}', '{"email": "a@example.com"}')};
$listener->do($forgot);
my %heard;
while (my $notice = $listener->pg_notifies)
{
	$heard{ $notice->[0] } = $notice->[2];
}
my $uuid = '[0-9a-f-]{36}';
like($heard{authfort_events}, qr/^\{"id":"$uuid","event":"password_reset_requested","user_id":"$uuid"\}$/,
	'a NOTIFY announces an event');
is($heard{authfort_outbox}, 'password_reset', 'a NOTIFY announces a message of the outbox');
$listener->disconnect;
my $message = "SELECT message->>'token' FROM authfort.take_messages() WHERE kind = 'password_reset'";
my $reset = $node->safe_psql('app', $message);

# a dump is a backup, and holds no credential
($access, $refresh) = tokens("refresh('$refresh')");
$node->safe_psql('app', "SELECT authfort.add_role(id, 'admin', false) FROM authfort.users");
my $dump = $node->basedir . '/app.dump.sql';
$node->command_ok([ 'pg_dump', '--file', $dump, $node->connstr('app') ], 'pg_dump succeeds');
my $text = slurp_file($dump);
my $events = $node->safe_psql('app', 'SELECT count(*), max(id::text) FROM authfort.events');
like($text, qr/a\@example\.com/, 'the dump contains the user');
foreach my $secret ($password, $reset, $access, $refresh, $master_key, (split /\./, $access)[2])
{
	unlike($text, qr/\Q$secret\E/, 'the dump contains no secret in clear text');
}
unlike($text, qr/PRIVATE KEY/, 'the dump contains no private key in PEM');
create_database($node, 'restored');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('restored') ],
	'the dump can be restored');
is($node->safe_psql('restored', 'SELECT count(*), max(id::text) FROM authfort.events'), $events,
	'the restored database has the events');
is($node->safe_psql('restored', "UPDATE authfort.outbox SET taken_at = NULL; $message"), $reset,
	'a message of the restored outbox can be opened');
is($node->safe_psql('restored', "SELECT authfort.authenticate('$access')->'roles'"),
	'["admin"]', 'an access token is accepted after the restore, with its role');
is($node->safe_psql('restored', "SELECT authfort.refresh('$refresh') ? 'tokens'"), 't',
	'a refresh token is accepted after the restore');
is($node->safe_psql('restored', "SELECT authfort.login('a\@example.com', '$password') ? 'tokens'"), 't',
	'a password is accepted after the restore');

# a missing or wrong master key is reported, and never created again
rename $key_file, "$key_file.away" or die $!;
($code, $out, $err) = $node->psql('app', "SELECT authfort.refresh('$refresh')");
like($err, qr/could not read master key file .*No such file.*HINT:.*Restore/s, 'a missing master key is reported');
ok(!-e $key_file, 'a missing master key is not created again');
is($node->safe_psql('app', "SELECT authfort.verify_jwt('$access')->>'email'"), 'a@example.com',
	'an access token is verified without the master key');
append_to_file($key_file, ('0' x 64) . "\n");
chmod 0600, $key_file;
($code, $out, $err) = $node->psql('app', "SELECT authfort.login('a\@example.com', '$password')");
like($err, qr/sealed with master key .* holds master key .*HINT:.*Add the master key/s,
	'a wrong master key is reported at login');
($code, $out, $err) = $node->psql('app', "SELECT authfort.refresh('$refresh')");
like($err, qr/sealed with master key .* holds master key/s, 'a wrong master key is reported at refresh');
# rotated: the new key first, the old one below it
append_to_file($key_file, slurp_file("$key_file.away"));
is($node->safe_psql('app', "SELECT authfort.refresh('$refresh') ? 'tokens'"), 't',
	'an old master key below the new one opens what it sealed');
chmod 0644, $key_file;
($code, $out, $err) = $node->psql('app', "SELECT authfort.login('a\@example.com', '$password')");
like($err, qr/is not protected from other users/, 'a master key that others can read is refused');
$node->append_conf('postgresql.conf', "authfort.master_key_command = 'cat $key_file.away'");
$node->reload;
is($node->safe_psql('app', "SELECT authfort.login('a\@example.com', '$password') ? 'tokens'"), 't',
	'authfort.master_key_command provides the master key');
$node->append_conf('postgresql.conf', "authfort.master_key_command = 'false'");
$node->reload;
($code, $out, $err) = $node->psql('app', "SELECT authfort.login('a\@example.com', '$password')");
like($err, qr/authfort.master_key_command failed/, 'a failure of authfort.master_key_command is reported');

unlike(slurp_file($node->logfile), qr/\Q$master_key\E/, 'the log does not contain the master key');
$node->stop;
done_testing();
