# docs/rls.md: each of its blocks is run, and each pattern tried from both sides.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(start_node);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('main');
my @blocks = slurp_file('docs/rls.md') =~ /^```sql\n(.*?)^```/msg;
cmp_ok(scalar @blocks, '>=', 9, 'the manual has its blocks');
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
	$id{$name} = $node->safe_psql('app', "SELECT authfort.create_user('$name\@example.com', 'correct horse', roles => '$roles')->>'id'");
	$token{$name} = $node->safe_psql('app', "SELECT authfort.login('$name\@example.com', 'correct horse')#>>'{tokens,access_token}'");
}

# What a user's statements give in one transaction, or the error.
sub as
{
	my ($name, $sql) = @_;
	my $token = $token{$name} // '';
	my ($code, $out, $err) = $node->psql('app', "BEGIN; SET LOCAL ROLE app; SET LOCAL authfort.jwt = '$token'; $sql; COMMIT;", on_error_stop => 1);
	return $code == 0 ? $out : $err;
}
my $violates = qr/violates row-level security policy/;
my $denied = qr/permission denied/;

# owners
as($_, "INSERT INTO note (body) VALUES ('of $_')") foreach qw(ada bob);
is(as($_, 'SELECT body FROM note'), "of $_", "$_ sees own rows") foreach qw(ada bob);
is(as('nobody', 'SELECT body FROM note'), '', 'nobody sees none');
like(as('nobody', "INSERT INTO note (body) VALUES ('x')"), qr/$violates|not-null/, 'and writes none');
like(as('eve', "INSERT INTO note (owner, body) VALUES ('$id{ada}', 'x')"), $denied, 'not in the name of others');
is(as('eve', "UPDATE note SET body = 'x' RETURNING id; DELETE FROM note RETURNING id"), '', 'nor are theirs changed');

# roles
like(as('ada', "INSERT INTO article (title) VALUES ('x')"), $violates, 'who is no editor does not write articles');
as('ed', "INSERT INTO article (title, published) VALUES ('out', true), ('draft', false)");
is(as('nobody', 'SELECT title FROM article'), 'out', 'all read what is published');
is(as($_, 'SELECT title FROM article ORDER BY title'), "draft\nout", "$_ reads drafts") foreach qw(ed root);
is(as('ada', "UPDATE article SET title = 'x' RETURNING id"), '', 'others change nothing');

# teams
$node->safe_psql('app', "INSERT INTO team_member VALUES (1, '$id{ada}'), (1, '$id{bob}'), (2, '$id{eve}')");
as('ada', "INSERT INTO document (team, body) VALUES (1, 'of team 1')");
as('eve', "INSERT INTO document (team, body) VALUES (2, 'of team 2')");
is(as('bob', 'SELECT body FROM document'), 'of team 1', 'a team shares its documents');
is(as('eve', 'SELECT body FROM document'), 'of team 2', 'and not with others');
is(as('bob', 'SELECT count(*) FROM team_member'), '2', 'members see one another');
like(as('eve', "INSERT INTO document (team, body) VALUES (1, 'x')"), $violates, 'nobody writes for another team');
like(as('eve', "INSERT INTO team_member VALUES (1, '$id{eve}')"), $denied, 'nor joins it');
is(as('nobody', 'SELECT (SELECT count(*) FROM document) + (SELECT count(*) FROM team_member)'), '0', 'nobody is in no team');

# sharing
my $album = as('ada', "INSERT INTO album (title) VALUES ('of ada') RETURNING id");
is(as('bob', 'SELECT title FROM album'), '', 'an album is its owner\'s');
as('ada', "INSERT INTO album_share (album, shared_with) VALUES ($album, '$id{bob}')");
is(as('bob', 'SELECT title FROM album'), 'of ada', 'and of those it is shared with');
is(as('bob', "UPDATE album SET title = 'x' RETURNING id; DELETE FROM album RETURNING id"), '', 'to read');
is(as('eve', 'SELECT title FROM album'), '', 'and of nobody else');
like(as('eve', "INSERT INTO album_share (album, shared_with) VALUES ($album, '$id{eve}')"), qr/violates foreign key/, 'who does not own it does not share it');
like(as('bob', "INSERT INTO album_share (album, shared_with) VALUES ($album, '$id{eve}')"), qr/violates foreign key/, 'nor passes it on');
as('ada', "DELETE FROM album_share; INSERT INTO album_share (album, shared_with, may_write) VALUES ($album, '$id{bob}', true)");
is(as('bob', "UPDATE album SET title = 'of both' RETURNING title"), 'of both', 'or to write');
is(as('bob', 'DELETE FROM album RETURNING id'), '', 'but not to delete');

# the trail
is($node->safe_psql('app', q{SELECT string_agg(what || ' ' || (SELECT email FROM authfort.users WHERE id = who) || ' ' || (session IS NOT NULL), ', ' ORDER BY at) FROM audit}),
	'INSERT note ada@example.com true, INSERT note bob@example.com true', 'the trail has who did what');
like(as('ada', 'SELECT * FROM audit'), $denied, 'and is not for reading');
like(as('ada', "INSERT INTO audit (who, what) VALUES ('$id{bob}', 'x')"), $denied, 'nor for writing');

# the second factor
like(as('ada', 'INSERT INTO payout (amount) VALUES (1)'), $violates, 'no payout without a second factor');
like(as('ada', 'SELECT close_account()'), qr/takes a second factor/, 'no closed account either');
my $sid = as('ada', 'SELECT authfort.session_id()');
my $code = sub { chomp(my $otp = qx{oathtool --totp -b --now "\@@{[ time + 30 * $_[1] ]}" $_[0]}); $otp };
my $secret = $node->safe_psql('app', "SELECT authfort.mfa_init('$id{ada}')->>'secret'");
$token{ada} = $node->safe_psql('app', "SELECT authfort.mfa_confirm('$id{ada}', '" . $code->($secret, 0)
	. "', '$sid')#>>'{tokens,access_token}'");
is(as('ada', 'INSERT INTO payout (amount) VALUES (1) RETURNING amount'), '1', 'a payout with two factors');
is(as('ada', 'SELECT close_account()'), $id{ada}, 'and a closed account');
$node->safe_psql('app', "UPDATE authfort.sessions SET auth_time = now() - interval '6 minutes' WHERE id = '$sid'");
$token{ada} = $node->safe_psql('app', "SELECT authfort.mfa_step_up('$id{ada}', '$sid', '" . $code->($secret, 1)
	. "')#>>'{tokens,access_token}'");
is(as('ada', 'SELECT close_account()'), $id{ada}, 'a step-up makes an older session recent');

# claims of the application
is(as('ada', 'SELECT count(*) FROM invoice'), '0', 'a token without a tenant sees no invoice');
like(as('ada', 'INSERT INTO invoice (amount) VALUES (1)'), qr/$violates|not-null/, 'and writes none');
foreach my $user (qw(ada bob eve))
{
	my $tenant = $user eq 'eve' ? 'other' : 'acme';
	$node->safe_psql('app', qq{UPDATE authfort.users SET app_metadata = '{"tenant": "$tenant"}' WHERE id = '$id{$user}'});
}
$token{$_} = $node->safe_psql('app', "SELECT authfort.login('$_\@example.com', 'correct horse')#>>'{tokens,access_token}'")
	foreach qw(bob eve);
as('bob', 'INSERT INTO invoice (amount) VALUES (1)');
is(as('bob', 'SELECT tenant FROM invoice'), 'acme', 'an invoice belongs to the tenant of who made it');
is(as('eve', 'SELECT count(*) FROM invoice'), '0', 'and is hidden from other tenants');

# break glass
is(as('root', 'SELECT body FROM note'), '', 'an admin does not see the notes of others');
like(as('ada', "SELECT open_break_glass('I should like to')"), qr/required role is missing/, 'the glass is for admins');
like(as('root', "SELECT open_break_glass('')"), qr/violates check/, 'who say why');
as('root', "SELECT open_break_glass('ticket 4711: a note is lost')");
is(as('root', 'SELECT body FROM note ORDER BY body'), "of ada\nof bob", 'then they see');
is(as('root', 'DELETE FROM note RETURNING id'), '', 'but change nothing');
$token{root} = $node->safe_psql('app', "SELECT authfort.login('root\@example.com', 'correct horse')#>>'{tokens,access_token}'");
is(as('root', 'SELECT body FROM note'), '', 'only in that session');
is($node->safe_psql('app', 'SELECT count(*) FROM break_glass'), '1', 'and it stays on record');

# views
is(as('ada', 'SELECT body FROM my_notes'), 'of ada', 'the view is under its reader\'s policies');

$node->stop;
done_testing();
