# pg_upgrade, from the oldest other major version that has authfort installed, or else from the same version.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(make_node start_node);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# AUTHFORT_OLD_BINDIR names the old server's programs; else those of Debian's packages are tried.
sub major { my ($bindir) = @_; return qx("$bindir/postgres" --version) =~ /\(PostgreSQL\) (\d+)/ ? $1
	: die "no server in $bindir"; }
sub has_authfort { my ($bindir) =
	@_; chomp(my $share = qx("$bindir/pg_config" --sharedir)); return -e "$share/extension/authfort.control"; }
chomp(my $new_bindir = qx(pg_config --bindir));
my ($found) = grep { has_authfort($_) && major($_) < major($new_bindir) } sort glob('/usr/lib/postgresql/*/bin');
my $old_bindir = $ENV{AUTHFORT_OLD_BINDIR} // $found // $new_bindir;
my ($from, $to) = (major($old_bindir), major($new_bindir));
diag("pg_upgrade from PostgreSQL $from to $to" . ($from == $to ? ': no older version with authfort was found' : ''));

my $old = start_node('old', new => [ install_path => $old_bindir =~ s{/bin$}{}r ], preload => 'authfort',
	sql => <<'SQL');
CREATE TABLE profiles (user_id uuid PRIMARY KEY REFERENCES authfort.users (id) ON DELETE CASCADE);
CREATE FUNCTION make_profile(event jsonb) RETURNS void LANGUAGE sql AS $$ INSERT INTO public.profiles
	VALUES ((event->>'user_id')::uuid) $$;
SELECT authfort.on('user_created', 'make_profile(jsonb)');
SELECT authfort.create_user('a@example.com', 'correct horse', roles => '{admin}');
SELECT authfort.http('POST', '/auth/forgot-password', headers => '{"content-type": "application/json"}',
	body => '{"email": "a@example.com"}');
SQL
my ($access, $refresh) = split /\|/, $old->safe_psql('app',
	"SELECT r#>>'{tokens,access_token}', r#>>'{tokens,refresh_token}' FROM authfort.login('a\@example.com', 'correct "
		. "horse') r");
my $privileges = <<'SQL';
SELECT md5(string_agg(concat_ws(' ', p.oid::regprocedure, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text
	END), ',' ORDER BY p.oid::regprocedure::text COLLATE "C", grantee::regrole::text COLLATE "C"))
FROM pg_proc p, aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE pronamespace = 'authfort'::regnamespace
SQL
my $contents = "SELECT (SELECT count(*) FROM authfort.users), (SELECT count(*) "
	. "FROM authfort.sessions), (SELECT count(*) FROM authfort.events), (SELECT id "
	. "FROM authfort.database_identity), (SELECT kid FROM authfort.signing_keys), ($privileges)";
my $before = $old->safe_psql('app', $contents);
my $old_cluster = $old->safe_psql('app', 'SELECT authfort.cluster_id()');
$old->stop;

my $new = make_node('new', preload => 'authfort', init => [ extra => $to >= 18 && $from < 18
	? ['--no-data-checksums'] : [] ]);
my $folder = PostgreSQL::Test::Utils::tempdir();
my ($out, $err);
my $done = IPC::Run::run([ 'pg_upgrade', '--no-sync', '-d', $old->data_dir, '-D', $new->data_dir, '-b', $old_bindir,
	'-B', $new_bindir,
		'-s', $new->host, '-p', $old->port, '-P', $new->port ], '>', \$out, '2>', \$err,
			init => sub { chdir $folder or die });
ok($done, "pg_upgrade from $from to $to") or diag("$out$err");
$new->start;

# without the master key all rows exist, but sign-in fails: a clear error, and no new key
is($new->safe_psql('app', $contents), $before,
	'all rows are there, the identity of the database and the privileges among them');
is($new->safe_psql('app', "SELECT authfort.verify_jwt('$access')->>'email'"), 'a@example.com', 'tokens verify');
my ($code, $stdout, $stderr) = $new->psql('app', "SELECT authfort.refresh('$refresh')");
like($stderr, qr/could not read master key file.*No such file.*HINT:.*Restore/s,
	'pg_upgrade does not carry the master key');
ok(!-e $new->data_dir . '/authfort_master.key', 'and none is made in its place');

# carried over as docs/backup.md says
is(system('cp', '-p', $old->data_dir . '/authfort_master.key', $new->data_dir . '/authfort_master.key'), 0,
	'the master key is copied');
is($new->safe_psql('app', "SELECT authfort.refresh('$refresh') ? 'tokens'"), 't', 'sessions go on');
is($new->safe_psql('app', "SELECT authfort.login('a\@example.com', 'correct horse') ? 'tokens'"), 't',
	'passwords are good');
is($new->safe_psql('app', "SELECT message->>'email' FROM authfort.take_messages()"), 'a@example.com',
	'messages can be opened');
is($new->safe_psql('app', "SELECT authfort.create_user('b\@example.com'); SELECT count(*) FROM profiles")
	=~ s/.*\n//sr, 2, 'handlers are called');
is($new->safe_psql('app', 'SELECT authfort.rotate_key() IS NOT NULL'), 't', 'keys rotate');
is($new->safe_psql('app', "SELECT count(*) FROM authfort.events WHERE cluster = $old_cluster "
	. "AND cluster <> authfort.cluster_id()") , (split /\|/, $before)[2],
	'to a follower the cluster is another one');
is($new->safe_psql('app', "SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('authfort.signing_keys'::regclass, "
	. "'authfort.database_identity'::regclass) AND tgenabled = 'A'"), 4,
	'triggers that always fire still do');
$new->stop;
done_testing();
