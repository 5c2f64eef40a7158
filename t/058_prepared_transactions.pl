# PREPARE TRANSACTION: what a transaction has done takes effect at COMMIT PREPARED, in another backend and
# after a restart, or not at all.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(chomped start_node);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('prepared', preload => 'authfort',
	conf => "max_prepared_transactions = 10\nauthfort.cleanup_interval = 0");
sub sql { return $node->safe_psql('app', $_[0]); }

# Runs statements in a transaction that ends as prepared; the answer is that of the last one.
sub prepare
{
	my ($name, @statements) = @_;
	return sql(join(";\n", 'BEGIN', @statements, "PREPARE TRANSACTION '$name'")) =~ s/.*\n//sr;
}
sub login { my ($name, $path) = @_;
	return "SELECT authfort.login('$name\@example.com', 'correct horse') #>> '{$path}'"; }
sub token { return sql(login($_[0], "tokens,$_[1]_token")); }
sub authenticated { return "SELECT authfort.authenticate('$_[0]')->>'email'"; }
sub verified { return "SELECT authfort.verify_jwt('$_[0]')->>'email'"; }

sql("SELECT authfort.create_user('$_\@example.com', 'correct horse')")
	foreach qw(rotator refresher leaver deleted wrong);
my $refresh = token('refresher', 'refresh');
my $left = token('leaver', 'refresh');
my $deleted = token('deleted', 'access');

# A transaction locks the row of its user, so each has one of its own.
like(prepare('sign-up', "SELECT authfort.signup('ada\@example.com', 'correct horse')"), qr/"tokens"/, 'a sign-up');
my $by_new_key = prepare('rotation', 'SELECT authfort.rotate_key()', login('rotator', 'tokens,access_token'));
my $refreshed = prepare('refresh', "SELECT authfort.refresh('$refresh') #>> '{tokens,refresh_token}'");
prepare('logout', "SELECT authfort.logout('$left')");
prepare('deletion', 'SELECT authfort.delete_user(id, hard => true) FROM authfort.users '
	. "WHERE email = 'deleted\@example.com'");
is(prepare('wrong', login('wrong', 'error') =~ s/correct/wrong/r), 'invalid_credentials', 'a wrong password');
is(sql(login('ada', 'error')), 'invalid_credentials', 'the account is not there yet');
is(sql("SELECT count(*) FROM authfort.events WHERE event = 'login_failed'"), 1,
	'nor the event of a wrong password, only that of this attempt');
is(sql(authenticated($deleted)), 'deleted@example.com', 'nor is the deletion');
like(($node->psql('app', verified($by_new_key)))[2], qr/signing key is unknown/, 'nor the signing key');

$node->restart;
my $backend = $node->background_psql('app', on_error_stop => 0);
sub in_backend { return chomped($backend->query($_[0])); }
is(in_backend(verified($by_new_key)), '', 'nor after a restart, for a backend with the keys in its cache');
is(sql('SELECT count(*) FROM pg_prepared_xacts'), 6, 'all transactions are prepared still');
sql("COMMIT PREPARED '$_'") foreach 'sign-up', 'rotation', 'refresh', 'logout', 'deletion', 'wrong';
is(in_backend(verified($by_new_key)), 'rotator@example.com', 'the backend learns of the key when it is committed');
is(in_backend(login('ada', 'user,email')), 'ada@example.com', 'the new account can sign in');
is(in_backend("SELECT authfort.refresh('$refreshed') ? 'tokens'"), 't', 'the session continues');
is(in_backend("SELECT authfort.refresh('$left')->>'error'"), 'refresh_token_revoked', 'the other one has ended');
is(in_backend(authenticated($deleted)), '', 'tokens of the deleted user are invalid');
is(sql("SELECT count(*) FROM authfort.events WHERE event = 'login_failed'"), 2, 'the event is there');

# in the backend that prepared it
my $never = in_backend("BEGIN; SELECT authfort.rotate_key() IS NULL;\n" . login('rotator', 'tokens,access_token'))
	=~ s/.*\n//sr;
is(in_backend(verified($never)), 'rotator@example.com', 'a transaction verifies by its own new key');
in_backend("PREPARE TRANSACTION 'never'");
is(in_backend(verified($never)), '', 'the same backend no longer does once the transaction is prepared');
in_backend("ROLLBACK PREPARED 'never'");
is(in_backend(verified(in_backend(login('ada', 'tokens,access_token')))), 'ada@example.com',
	'after ROLLBACK PREPARED it issues tokens by the key that is valid');
$backend->quit;

my ($code, $out, $err) = $node->psql('app', "SET authfort.notify_events = on;\nBEGIN;\n"
	. login('ada', 'user,email') . ";\nPREPARE TRANSACTION 'notifies'");
like($err, qr/cannot PREPARE a transaction that has executed LISTEN, UNLISTEN, or NOTIFY/,
	'a transaction that notifies cannot be prepared');
is(sql('SELECT count(*) FROM pg_prepared_xacts'), 0, 'and is not');
$node->stop;
done_testing();
