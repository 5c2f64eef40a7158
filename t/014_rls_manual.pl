# docs/rls.md: each of its blocks is run, and each pattern tried from both sides.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(start_node);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('main');
my @blocks = slurp_file('docs/rls.md') =~ /^```sql\n(.*?)^```/msg;
cmp_ok(scalar @blocks, '>=', 9, 'the manual has blocks of SQL');
foreach my $block (@blocks)
{
	my ($code, $out, $err) = $node->psql('app', $block);
	is($err, '', (split /\n/, $block)[0]);
}

my %token;
my %id;
foreach my $user ([ 'ada', '{}' ], [ 'bob', '{}' ], [ 'eve', '{}' ], [ 'ed', '{editor}' ], [ 'root', '{admin}' ])
{
	my ($name, $roles) = @$user;
	$id{$name} = $node->safe_psql('app',
		"SELECT authfort.create_user('$name\@example.com', 'correct horse', roles => '$roles')->>'id'");
	$token{$name} = $node->safe_psql('app',
		"SELECT authfort.login('$name\@example.com', 'correct horse')#>>'{tokens,access_token}'");
}

# The output of a user's statements in one transaction, or the error.
sub as
{
	my ($name, $sql) = @_;
	my $token = $token{$name} // '';
	my ($code, $out, $err) = $node->psql('app',
		"BEGIN; SET LOCAL ROLE app; SET LOCAL authfort.jwt = '$token'; $sql; COMMIT;", on_error_stop => 1);
	return $code == 0 ? $out : $err;
}
my $violates = qr/violates row-level security policy/;
my $denied = qr/permission denied/;

# owners
as($_, "INSERT INTO note (body) VALUES ('of $_')") foreach qw(ada bob);
is(as($_, 'SELECT body FROM note'), "of $_", "$_ sees only the own rows") foreach qw(ada bob);
is(as('nobody', 'SELECT body FROM note'), '', 'an anonymous session sees no rows');
like(as('nobody', "INSERT INTO note (body) VALUES ('x')"), qr/$violates|not-null/,
	'an anonymous session cannot insert a row');
like(as('eve', "INSERT INTO note (owner, body) VALUES ('$id{ada}', 'x')"), $denied,
	'a user cannot insert a row for another');
is(as('eve', "UPDATE note SET body = 'x' RETURNING id; DELETE FROM note RETURNING id"), '',
	'a user cannot change the rows of others');

# roles
like(as('ada', "INSERT INTO article (title) VALUES ('x')"), $violates,
	'a user who is not an editor cannot write articles');
as('ed', "INSERT INTO article (title, published) VALUES ('out', true), ('draft', false)");
is(as('nobody', 'SELECT title FROM article'), 'out', 'an anonymous session reads published articles');
is(as($_, 'SELECT title FROM article ORDER BY title'), "draft\nout", "$_ reads drafts") foreach qw(ed root);
is(as('ada', "UPDATE article SET title = 'x' RETURNING id"), '', 'a user who is not an editor cannot change articles');

# teams
$node->safe_psql('app', "INSERT INTO team_member VALUES (1, '$id{ada}'), (1, '$id{bob}'), (2, '$id{eve}')");
as('ada', "INSERT INTO document (team, body) VALUES (1, 'of team 1')");
as('eve', "INSERT INTO document (team, body) VALUES (2, 'of team 2')");
is(as('bob', 'SELECT body FROM document'), 'of team 1', 'a team shares its documents');
is(as('eve', 'SELECT body FROM document'), 'of team 2', 'a team does not see the documents of another team');
is(as('bob', 'SELECT count(*) FROM team_member'), '2', 'a member sees the other members of the team');
like(as('eve', "INSERT INTO document (team, body) VALUES (1, 'x')"), $violates,
	'a user cannot insert a document for another team');
like(as('eve', "INSERT INTO team_member VALUES (1, '$id{eve}')"), $denied, 'a user cannot join a team');
is(as('nobody', 'SELECT (SELECT count(*) FROM document) + (SELECT count(*) FROM team_member)'), '0',
	'an anonymous session sees no documents and members');

# sharing
my $album = as('ada', "INSERT INTO album (title) VALUES ('of ada') RETURNING id");
is(as('bob', 'SELECT title FROM album'), '', 'an album is hidden from other users');
as('ada', "INSERT INTO album_share (album, shared_with) VALUES ($album, '$id{bob}')");
is(as('bob', 'SELECT title FROM album'), 'of ada', 'a shared album is visible to the user it is shared with');
is(as('bob', "UPDATE album SET title = 'x' RETURNING id; DELETE FROM album RETURNING id"), '',
	'a user with read access cannot change or delete an album');
is(as('eve', 'SELECT title FROM album'), '', 'a shared album is hidden from third users');
like(as('eve', "INSERT INTO album_share (album, shared_with) VALUES ($album, '$id{eve}')"), qr/violates foreign key/,
	'a user cannot share the album of another');
like(as('bob', "INSERT INTO album_share (album, shared_with) VALUES ($album, '$id{eve}')"), qr/violates foreign key/,
	'a user with access cannot share an album further');
as('ada', "DELETE FROM album_share; INSERT INTO album_share (album, shared_with, may_write) "
	. "VALUES ($album, '$id{bob}', true)");
is(as('bob', "UPDATE album SET title = 'of both' RETURNING title"), 'of both',
	'a user with write access changes an album');
is(as('bob', 'DELETE FROM album RETURNING id'), '', 'a user with write access cannot delete an album');

# the trail
is($node->safe_psql('app', q{SELECT string_agg(what || ' ' || (SELECT email FROM authfort.users }
	. q{WHERE id = who) || ' ' || (session IS NOT NULL), ', ' ORDER BY at) FROM audit}),
	'INSERT note ada@example.com true, INSERT note bob@example.com true',
		'the audit trail has users, sessions and actions');
like(as('ada', 'SELECT * FROM audit'), $denied, 'a user cannot read the audit trail');
like(as('ada', "INSERT INTO audit (who, what) VALUES ('$id{bob}', 'x')"), $denied,
	'a user cannot write the audit trail');

# the second factor
like(as('ada', 'INSERT INTO payout (amount) VALUES (1)'), $violates, 'a payout needs a second factor');
like(as('ada', 'SELECT close_account()'), qr/a second factor is required/, 'closing the account needs a second factor');
my $sid = as('ada', 'SELECT authfort.session_id()');
my $code = sub { chomp(my $otp = qx{oathtool --totp -b --now "\@@{[ time + 30 * $_[1] ]}" $_[0]}); $otp };
my $secret = $node->safe_psql('app', "SELECT authfort.mfa_init('$id{ada}')->>'secret'");
$token{ada} = $node->safe_psql('app', "SELECT authfort.mfa_confirm('$id{ada}', '" . $code->($secret, 0)
	. "', '$sid')#>>'{tokens,access_token}'");
is(as('ada', 'INSERT INTO payout (amount) VALUES (1) RETURNING amount'), '1', 'a payout with a second factor succeeds');
is(as('ada', 'SELECT close_account()'), $id{ada}, 'closing the account with a second factor succeeds');
$node->safe_psql('app', "UPDATE authfort.sessions SET auth_time = now() - interval '6 minutes' WHERE id = '$sid'");
$token{ada} = $node->safe_psql('app', "SELECT authfort.mfa_step_up('$id{ada}', '$sid', '" . $code->($secret, 1)
	. "')#>>'{tokens,access_token}'");
is(as('ada', 'SELECT close_account()'), $id{ada}, 'a step-up makes an older session recent');

# claims of the application
is(as('ada', 'SELECT count(*) FROM invoice'), '0', 'a token without a tenant sees no invoice');
like(as('ada', 'INSERT INTO invoice (amount) VALUES (1)'), qr/$violates|not-null/,
	'a token without a tenant cannot insert an invoice');
foreach my $user (qw(ada bob eve))
{
	my $tenant = $user eq 'eve' ? 'other' : 'acme';
	$node->safe_psql('app', qq{UPDATE authfort.users SET app_metadata = '{"tenant": "$tenant"}' }
		. qq{WHERE id = '$id{$user}'});
}
$token{$_} = $node->safe_psql('app',
	"SELECT authfort.login('$_\@example.com', 'correct horse')#>>'{tokens,access_token}'")
	foreach qw(bob eve);
as('bob', 'INSERT INTO invoice (amount) VALUES (1)');
is(as('bob', 'SELECT tenant FROM invoice'), 'acme', 'an invoice belongs to the tenant of its creator');
is(as('eve', 'SELECT count(*) FROM invoice'), '0', 'an invoice is hidden from other tenants');

# break glass
is(as('root', 'SELECT body FROM note'), '', 'an admin does not see the notes of others');
like(as('ada', "SELECT open_break_glass('I should like to')"), qr/required role is missing/,
	'breaking the glass needs the admin role');
like(as('root', "SELECT open_break_glass('')"), qr/violates check/, 'breaking the glass needs a reason');
as('root', "SELECT open_break_glass('ticket 4711: a note is lost')");
is(as('root', 'SELECT body FROM note ORDER BY body'), "of ada\nof bob", 'an admin who broke the glass sees the notes');
is(as('root', 'DELETE FROM note RETURNING id'), '', 'an admin who broke the glass cannot change notes');
$token{root} = $node->safe_psql('app',
	"SELECT authfort.login('root\@example.com', 'correct horse')#>>'{tokens,access_token}'");
is(as('root', 'SELECT body FROM note'), '', 'breaking the glass is limited to the session');
is($node->safe_psql('app', 'SELECT count(*) FROM break_glass'), '1', 'breaking the glass is recorded');

# views
is(as('ada', 'SELECT body FROM my_notes'), 'of ada', 'a view applies the policies of the reader');

$node->stop;
done_testing();
