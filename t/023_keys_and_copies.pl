# A missing or wrong master key, copies of a database, keys that expire, and settings of a database's owner.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(chomped create_database start_node);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('primary', init => [ allows_streaming => 1 ], preload => 'authfort', conf => <<'CONF');
authfort.cleanup_interval = '1h'
authfort.signing_algorithm = 'EdDSA'
CONF
my $key_file = $node->data_dir . '/authfort_master.key';

sub create_app
{
	my ($name) = @_;
	create_database($node, $name, 'CREATE EXTENSION authfort');
	return;
}

# the SQLSTATE of a failure, or what comes of it
sub outcome
{
	my ($sql, $on) = @_;
	my ($code, $out, $err) = ($on // $node)->psql('app', $sql, extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);
	return $err =~ /ERROR:  (\S+)/ ? $1 : $out;
}

# created, and reported
my ($code, $out, $err) = $node->psql('app',
	"SELECT authfort.signup('a\@example.com', 'correct horse')#>>'{tokens,refresh_token}'");
my $refresh = $out;
like($err,
	qr/NOTICE:  authfort created master key file "\Q$key_file\E"\nDETAIL: .*Neither pg_dump nor pg_upgrade carries it/,
	'the first client is notified where the master key is');
my $log = slurp_file($node->logfile);
like($log, qr/LOG:  authfort created master key file "\Q$key_file\E"/, 'the log reports where the master key is');
create_app('second');
($code, $out, $err) = $node->psql('second', 'SELECT authfort.jwks() IS NOT NULL');
is("$out$err", 't', 'a second database does not report the master key again');
my $right = slurp_file($key_file);

sub write_key
{
	my ($file, $text) = @_;
	unlink $file;
	append_to_file($file, $text);
	chmod 0600, $file or die;
}

# Each needs the master key. A client can write any master key's id into a token.
my $post = "headers => '{\"content-type\": \"application/json\"}', body =>";
my %needs_key = (
	refresh => "SELECT authfort.refresh('$refresh')",
	'refresh with garbage' => "SELECT authfort.refresh('garbage')",
	'refresh with a token of that form' => "SELECT authfort.refresh('" . ('A' x length $refresh) . "')",
	logout => "SELECT authfort.logout('$refresh')",
	'logout with garbage' => "SELECT authfort.logout('garbage')",
	login => "SELECT authfort.login('a\@example.com', 'correct horse')",
	'login with a wrong password' => "SELECT authfort.login('a\@example.com', 'wrong')",
	signup => "SELECT authfort.signup('b\@example.com', 'correct horse')",
	rotate_key => 'SELECT authfort.rotate_key()',
	'rotate_key with an algorithm' => "SELECT authfort.rotate_key('ES256')",
	prepare_key => 'SELECT authfort.prepare_key()',
	take_messages => 'SELECT authfort.take_messages()',
	'forgot-password' => "SELECT authfort.http('POST', '/auth/forgot-password', $post '{\"email\": "
		. "\"nobody\@example.com\"}')",
	'refresh over HTTP' => "SELECT authfort.http('POST', '/auth/refresh', $post '{\"refresh_token\": \"garbage\"}')",
	'logout over HTTP' => "SELECT authfort.http('POST', '/auth/logout', $post '{\"refresh_token\": \"$refresh\"}')");
my $access = $node->safe_psql('app',
	"SELECT authfort.login('a\@example.com', 'correct horse')#>>'{tokens,access_token}'");
my $open = $node->background_psql('app', on_error_stop => 0);
$open->query("SELECT authfort.login('a\@example.com', 'correct horse')");

my %broken = (
	wrong => sub { write_key($key_file, ('0' x 64) . "\n"); },
	missing => sub { unlink $key_file; },
	empty => sub { write_key($key_file, ''); },
	'no key' => sub { write_key($key_file, "hello\n"); },
	'open to others' => sub { write_key($key_file, $right); chmod 0644, $key_file; },
	'not to be read' => sub { write_key($key_file, $right); chmod 0000, $key_file; },
	'a folder' => sub { unlink $key_file; mkdir $key_file; },
	'of a command that fails' => sub { write_key($key_file, $right); $node->append_conf('postgresql.conf',
		"authfort.master_key_command = 'false'"); $node->reload; });
foreach my $how ('wrong', 'missing', 'empty', 'no key', 'open to others', 'not to be read', 'a folder',
	'of a command that fails')
{
	$broken{$how}->();
	foreach my $what (sort keys %needs_key)
	{
		is(outcome($needs_key{$what}), 'F0000', "the master key is $how: $what fails as a fault of the server")
			if $how eq 'wrong' || $what =~ /^(refresh|login|rotate_key)$/;
	}
	$open->{stderr} = '';
	unlike(chomped($open->query("SELECT authfort.login('a\@example.com', 'correct horse')")), qr/token/,
		"the master key is $how: a session that had signed in gets no token");
	like($open->{stderr}, qr/ERROR/, "the master key is $how: a session that had signed in gets an error");
	is($node->safe_psql('app', "SELECT authfort.verify_jwt('$access')->>'email', "
		. "authfort.authenticate('$access')->>'email', jsonb_array_length(authfort.jwks()->'keys')"),
		'a@example.com|a@example.com|1', "the master key is $how: an access token is verified");
	rmdir $key_file;
}
$node->append_conf('postgresql.conf', "authfort.master_key_command = ''");
$node->reload;
$node->poll_query_until('app', "SELECT current_setting('authfort.master_key_command') = ''") or die;
is($node->safe_psql('app', "SELECT count(*) FROM authfort.users"), 1, 'requests that failed created no user');
is($node->safe_psql('app', "SELECT count(*) FROM authfort.events WHERE event IN ('login_failed', 'session_revoked', "
	. "'key_rotated')"), 0,
	'requests that failed recorded no event');

# several keys, the first of which is current
write_key($key_file, ('0' x 64) . "\n$right");
is(outcome("SELECT authfort.refresh('$refresh') ? 'tokens'"), 't',
	'the right key below another one opens what it sealed');
is(outcome('SELECT authfort.prepare_key() IS NOT NULL'), 't', 'a signing key is prepared under the new master key');
is(outcome("SELECT authfort.refresh('garbage')->>'error'"), 'refresh_token_invalid',
	'an invalid refresh token is refused again');
write_key($key_file, $right);
is(outcome('SELECT authfort.rotate_key()'), 'F0000', 'a prepared key that cannot be opened is not activated');
is(outcome("SELECT authfort.login('a\@example.com', 'correct horse') ? 'tokens'"), 't',
	'the current signing key is still used');
is(outcome("SELECT authfort.rotate_key('ES256') IS NOT NULL"), 't', 'rotate_key() with an algorithm creates a key');
$node->safe_psql('app', 'DELETE FROM authfort.signing_keys WHERE activated_at IS NULL');

# a standby decides nothing about refresh tokens, and checks no password
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', "authfort.rate_limit = on\nauthfort.rate_limit_login = '5/day'");
$standby->start;
$node->wait_for_catchup($standby);
foreach my $how ('right', 'wrong', 'missing')
{
	write_key($standby->data_dir . '/authfort_master.key', '0' x 64) if $how eq 'wrong';
	unlink $standby->data_dir . '/authfort_master.key' if $how eq 'missing';
	foreach my $what ('refresh', 'refresh with garbage', 'logout', 'logout with garbage', 'login', 'signup',
		'rotate_key', 'forgot-password')
	{
		like(outcome($needs_key{$what}, $standby), qr/^(25006|F0000)$/,
			"on a standby whose master key is $how, $what is a fault of the server");
	}
	is($standby->safe_psql('app', "SELECT authfort.verify_jwt('$access')->>'email'"), 'a@example.com',
		"a standby whose master key is $how verifies an access token");
}
$standby->psql('app', 'SELECT authfort.reset_rate_limits()');
$standby->restart;
my $login = "SELECT status FROM authfort.http('POST', '/auth/login', ip_address => '192.0.2.1', $post '{\"email\": "
	. "\"%s\@example.com\", \"password\": \"wrong\"}')";
is(outcome(sprintf($login, "x$_"), $standby), '25006', "login $_ on a standby raises read_only_sql_transaction")
	foreach 1 .. 5;
is(outcome(sprintf($login, "x$_"), $standby), '429', "login $_ on a standby is over the limit of the address")
	foreach 6 .. 7;
my $by_email = $login =~ s/192\.0\.2\.1/192.0.2.2%s/r;
is(outcome(sprintf($by_email, $_, 'a'), $standby), $_ <= 5 ? '25006' : '429',
	"login $_ on a standby is counted for its email") foreach 1 .. 7;
is(outcome("SELECT authfort.change_password(id, 'wrong', 'battery staple') FROM authfort.users", $standby), '25006',
	'a standby checks no password');
is(outcome("SELECT authfort.reset_password('wrong', 'battery staple')", $standby), '25006',
	'a standby checks no reset token');
is(outcome("SELECT authfort.reset_database_identity()", $standby), '25006',
	'a standby refuses reset_database_identity()');
$standby->stop;

# a copy accepts tokens of the original until it gets a new identity
$node->safe_psql('app', "SELECT authfort.http('POST', '/auth/forgot-password', $post '{\"email\": "
	. "\"a\@example.com\"}')");
sub tokens { return split /\|/, $node->safe_psql($_[0],
	"SELECT r#>>'{tokens,access_token}', r#>>'{tokens,refresh_token}' FROM authfort.login('a\@example.com', 'correct "
		. "horse') r"); }
sub verdict { my ($db, $access, $refresh) = @_; return $node->safe_psql($db,
	"SELECT authfort.try_verify_jwt('$access') IS NOT NULL,
		coalesce(authfort.refresh('$refresh')->>'error', 'good')"); }
($access, $refresh) = tokens('app');
my ($access2, $refresh2) = tokens('app');
$open->quit;
# the sessions above may still be ending
$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = 'app'") or die;
$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE app');
is(verdict('copy', $access, $refresh), 't|good', 'a copy accepts tokens of the original');
my $in_copy = $node->background_psql('copy', on_error_stop => 0);
like(chomped($in_copy->query("SELECT authfort.login('a\@example.com', 'correct horse') ? 'tokens'")), qr/^t$/,
	'a session of the copy fills its caches');
$node->safe_psql('copy', 'SELECT authfort.reset_database_identity()');
is(verdict('copy', $access, $refresh), 'f|refresh_token_invalid',
	'a copy with a new identity refuses tokens of the original');
is(chomped($in_copy->query("SELECT coalesce(authfort.refresh('$refresh2')->>'error', 'good')")),
	'refresh_token_invalid', 'an open session of the copy refuses tokens of the original');
is(verdict('app', $access, $refresh2), 't|good', 'the original still accepts its tokens');
my ($stranger_access, $stranger_refresh) = tokens('copy');
is(verdict('copy', $stranger_access, $stranger_refresh), 't|good', 'a copy with a new identity accepts its own tokens');
is(verdict('app', $stranger_access, $stranger_refresh), 'f|refresh_token_invalid',
	'the original refuses tokens of the copy');
is($node->safe_psql('copy', 'SELECT count(*) FROM authfort.take_messages()'), 0,
	'a copy with a new identity sends no message of the original');
is($node->safe_psql('app', "SELECT count(*) FROM authfort.take_messages() WHERE kind = 'password_reset'"), 1,
	'the original still sends its message');

# a new identity waits for open transactions
$in_copy->query_safe("BEGIN; SELECT authfort.http('POST', '/auth/forgot-password', $post '{\"email\": "
	. "\"a\@example.com\"}')");
my $resetting = $node->background_psql('copy');
$resetting->query_until(qr/begun/, "\\echo begun\nSELECT authfort.reset_database_identity();\n\\echo ended\n");
# pg_stat_activity hides the text of its query
ok($node->poll_query_until('copy',
	q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = 'copy'}),
	'reset_database_identity() waits for a message that is not committed yet');
$in_copy->query_safe('COMMIT');
$resetting->quit;
is($node->safe_psql('copy', 'SELECT count(*) FROM authfort.outbox'), 0,
	'reset_database_identity() deletes a message it waited for');
$in_copy->quit;

# a restore is a move; in a cluster without the master key the database can get a new identity
($access, $refresh) = tokens('app');
my $dump = $node->basedir . '/app.dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('app') ], 'pg_dump');
create_database($node, 'moved');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('moved'), $dump ], 'pg_restore');
is($node->safe_psql('moved', 'SELECT id FROM authfort.database_identity'),
	$node->safe_psql('app', 'SELECT id FROM authfort.database_identity'),
	'a restored database keeps its identity');
is(verdict('moved', $access, $refresh), 't|good', 'a restored database accepts its tokens');
my $staging = start_node('staging', database => undef);
create_database($staging, 'app');
$staging->command_ok([ 'pg_restore', '--exit-on-error', '-d', $staging->connstr('app'), $dump ],
	'a dump is restored into another cluster');
is(outcome($needs_key{login}, $staging), 'F0000', 'a restored database without the master key refuses a login');
($code, $out, $err) = $staging->psql('app', 'SELECT authfort.reset_database_identity() IS NOT NULL');
is($out, 't', 'a restored database without the master key gets a new identity');
like($err, qr/NOTICE:  authfort created master key file/, 'a new identity creates a master key');
is(outcome("SELECT authfort.login('a\@example.com', 'correct horse') ? 'tokens'", $staging), 't',
	'a restored database with a new identity accepts passwords');
is(outcome("SELECT authfort.refresh('$refresh')->>'error'", $staging), 'refresh_token_invalid',
	'a restored database with a new identity refuses old tokens');
$staging->stop;

my $offset;

# a key is removed, and the key set published, when it expires; an hour is between two rounds
$node->safe_psql('app', 'SELECT authfort.setup_postgrest()');
my $published = "SELECT jsonb_array_length((substr(s, length('pgrst.jwt_secret=') + 1))::jsonb->'keys')
	FROM pg_db_role_setting, unnest(setconfig) s
	WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = 'app') AND s LIKE 'pgrst.jwt_secret=%'";
$node->safe_psql('app', 'DELETE FROM authfort.signing_keys WHERE expires_at IS NOT NULL');
is($node->safe_psql('app', $published), 1, 'one signing key is published');
# in one transaction, which ends before the key is removed, however long it takes
is($node->safe_psql('app', "BEGIN; SET authfort.key_rotation_ttl = '5s'; "
	. "DO \$\$ BEGIN PERFORM authfort.rotate_key(); END \$\$; $published; COMMIT"), 2,
	'both signing keys are published after a rotation');
ok($node->poll_query_until('app', "SELECT ($published) = 1"), 'an expired signing key is no longer published');
is($node->safe_psql('app', 'SELECT count(*) FROM authfort.signing_keys'), 1, 'an expired signing key is deleted');
$node->safe_psql('app', "SET authfort.key_rotation_ttl = '5s'; SELECT authfort.rotate_key()");
$node->restart;
$offset = -s $node->logfile;
ok($node->poll_query_until('app', "SELECT ($published) = 1"),
	'a signing key that expires after a restart is no longer published');
$node->safe_psql('app', "BEGIN; SET authfort.key_rotation_ttl = '1s'; SELECT authfort.rotate_key(); ROLLBACK");
is($node->safe_psql('app', $published), 1, 'a rolled-back rotation changes no published key');

# settings of a database's owner do not stop its cleanup
$node->safe_psql('postgres',
	'CREATE ROLE owner LOGIN; ALTER DATABASE app OWNER TO owner; CREATE SCHEMA hostile AUTHORIZATION owner');
foreach my $set ("role = 'owner'", "session_authorization = 'owner'", 'search_path = hostile', 'statement_timeout = 1',
	'lock_timeout = 1', 'row_security = off',
	"default_transaction_isolation = 'serializable'", 'client_encoding = LATIN1',
		'default_transaction_deferrable = on', 'enable_indexscan = off', 'default_transaction_read_only = on')
{
	$node->safe_psql('postgres', "SET role = 'owner'; ALTER DATABASE app SET $set");
}
$node->safe_psql('postgres', "SET role = 'owner'; ALTER DATABASE app IS_TEMPLATE true");
my $as_super = "SET SESSION AUTHORIZATION DEFAULT; SET role = 'none'; SET default_transaction_read_only = off; "
	. "SET search_path = pg_catalog;";
{
	# a timeout of a millisecond would end one of these statements now and then
	local $ENV{PGOPTIONS} = '-c statement_timeout=0 -c lock_timeout=0';
	$node->safe_psql('app', "$as_super SET authfort.key_rotation_ttl = '2s'; SELECT authfort.rotate_key()");
}
ok($node->poll_query_until('postgres', "SELECT ($published) = 1"), 'the owner of a database cannot stop its cleanup');
unlike(slurp_file($node->logfile, $offset), qr/permission denied|"authfort cleanup worker".*exited/,
	'no cleanup worker failed');
$node->stop;
done_testing();
