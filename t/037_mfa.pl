# The second factor over HTTP, with oathtool as the authenticator app; its lock; and where its secrets are not.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(required start_node);
use Gateway qw(poll);
use HTTP::Tiny;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $have_oathtool = grep { -x "$_/oathtool" } split /:/, $ENV{PATH};
required($have_oathtool, 'oathtool is not installed');

# The test vectors of RFC 6238, appendix B, for SHA-1, and of RFC 4648, section 10.
my $dir = PostgreSQL::Test::Utils::tempdir();
append_to_file("$dir/vectors.c", <<'C');
#include <stdio.h>
#include <string.h>
#include "crypto/totp.h"
int main(void)
{
	static const long long times[] = {59, 1111111109, 1111111111, 1234567890, 2000000000, 20000000000};
	static const char *const texts[] = {"f", "fo", "foo", "foob", "fooba", "foobar"};
	for (int i = 0; i < 6; i++)
	{
		unsigned int code = 0;
		totp_code((const unsigned char *) "12345678901234567890", 20, times[i] / TOTP_PERIOD, 8, &code);
		printf("%08u\n", code);
	}
	for (int i = 0; i < 6; i++)
	{
		char encoded[64];
		unsigned char decoded[TOTP_MAX_SECRET_BYTES];
		size_t len;
		totp_secret_encode((const unsigned char *) texts[i], strlen(texts[i]), encoded);
		printf("%s %d\n", encoded, totp_secret_decode(encoded, decoded, &len) && len == strlen(texts[i]) &&
			   memcmp(decoded, texts[i], len) == 0);
	}
	return 0;
}
C
system_or_bail('cc', '-Isrc', "$dir/vectors.c", 'src/crypto/totp.c', '-lcrypto', '-o', "$dir/vectors");
is(join(' ', split /\n/, scalar qx{$dir/vectors}),
	'94287082 07081804 14050471 89005924 69279037 65353130 MY 1 MZXQ 1 MZXW6 1 MZXW6YQ 1 MZXW6YTB 1 MZXW6YTBOI 1',
	'the vectors of RFC 6238 and RFC 4648');

# an OpenSSL without SHA-1, as a policy may have it
append_to_file("$dir/failing.c", <<'C');
#include <stdio.h>
#include <openssl/hmac.h>
#include "crypto/totp.h"
unsigned char *HMAC(const EVP_MD *md, const void *key, int key_len, const unsigned char *data, size_t len,
					unsigned char *out, unsigned int *out_len)
{
	return NULL;
}
int main(void)
{
	int accepted = 0;
	char code[TOTP_DIGITS + 1];
	for (int number = 0; number < 1000000; number++)
	{
		snprintf(code, sizeof(code), "%06u", (unsigned int) number % 1000000);
		accepted += totp_find_step((const unsigned char *) "12345678901234567890", 20, code, 59) != -1;
	}
	printf("%d", accepted);
	return 0;
}
C
system_or_bail('cc', '-Isrc', "$dir/failing.c", 'src/crypto/totp.c', '-lcrypto', '-o', "$dir/failing");
is(scalar qx{$dir/failing}, '0', 'no code is accepted if OpenSSL cannot compute any');

my $node = start_node('mfa', preload => 'authfort', conf => "log_statement = 'all'\nlog_min_error_statement = log",
	sql => 'CREATE ROLE gateway LOGIN IN ROLE authfort_http');
my $gateway = Gateway->new('gateway', $node, '--pool-size', '4');
my $origin = "http://127.0.0.1:$gateway->{port}";
my $http = HTTP::Tiny->new(timeout => 60);
poll('gateway connects', sub { $http->get("$origin/readyz")->{success} });
my @secrets;

# Returns the status, what the body says in JSON, and the whole response.
sub request
{
	my ($method, $path, $body, $token) = @_;
	my %headers = ('Content-Type' => 'application/json');
	$headers{Authorization} = "Bearer $token" if $token;
	my $response = $http->request($method, "$origin/auth$path",
		{ headers => \%headers, defined $body ? (content => encode_json($body)) : () });
	my $answer = length $response->{content} ? JSON::PP->new->decode($response->{content}) : undef;
	return ($response->{status}, $answer, $response);
}

sub post { return request('POST', @_); }

# The code of a secret, so many steps ahead.
sub code
{
	my ($secret, $ahead) = @_;
	my $time = time + 30 * ($ahead // 0);
	chomp(my $code = qx{oathtool --totp --base32 --now '\@$time' $secret});
	push @secrets, $code;
	return $code;
}

sub wrong
{
	my ($secret) = @_;
	my %right = map { code($secret, $_) => 1 } -2 .. 3;
	my ($wrong) = grep { !$right{$_} } '000000' .. '000009';
	return $wrong;
}

sub sign_up
{
	my ($email) = @_;
	my ($status, $answer) = post('/signup', { email => $email, password => 'correct horse' });
	is($status, 201, "$email signs up");
	return $answer;
}

sub challenge
{
	my ($email) = @_;
	my ($status, $answer, $response) = post('/login', { email => $email, password => 'correct horse' });
	is($status, 200, 'a challenge');
	push @secrets, $answer->{mfa_token};
	return ($answer, $response);
}

# Steps whose codes were used count again, as if time had passed.
sub another_time { $node->safe_psql('app',
	'UPDATE authfort.mfa SET totp_last_step = NULL, totp_earlier_steps = 0'); return; }

# Turns the app on; returns the secret and the backup codes.
sub enable
{
	my ($token) = @_;
	my ($status, $init) = post('/mfa/init', undef, $token);
	is($status, 200, 'an app is set up');
	my $secret = $init->{secret};
	like($init->{qr_uri}, qr{^otpauth://totp/authfort:.*%40example\.com\?secret=$secret&issuer=authfort$},
		'with its QR code');
	my ($confirmed, $codes) = post('/mfa/confirm', { code => code($secret) }, $token);
	is($confirmed, 200, 'and confirmed');
	is(scalar(grep { /^[a-z0-9]{5}-[a-z0-9]{5}$/ } @$codes), 10, 'with a bare array of backup codes');
	push @secrets, $secret, @$codes;
	return ($secret, $codes);
}

my $ada = sign_up('ada@example.com');
my $token = $ada->{tokens}{access_token};
is((post('/mfa/confirm', { code => '123456' }, $token))[1]{detail}{error}, 'mfa_not_initiated',
	'nothing to confirm yet');
my ($secret, $codes) = enable($token);
is((request('GET', '/me', undef, $token))[1]{detail}{error}, 'token_version_mismatch',
	'tokens from before are invalid');
my ($refreshed, $again) = post('/refresh', { refresh_token => $ada->{tokens}{refresh_token} });
is($refreshed, 200, 'the session refreshes');
$token = $again->{tokens}{access_token};
is($again->{user}{mfa_enabled}, JSON::PP::true, 'its user has a second factor');
is($node->safe_psql('app', "SELECT c->>'aal', c->>'amr' FROM authfort.verify_jwt('$token') c"),
	'2|["pwd", "otp", "mfa"]',
	'and it has two factors');
is_deeply([ request('GET', '/mfa/status', undef, $token) ]->[1],
	{ enabled => JSON::PP::true, totp => JSON::PP::true, passkeys => 0, backup_codes_remaining => 10 }, 'the status');

# signing in
my ($challenge, $response) = challenge('ada@example.com');
is_deeply([ sort keys %$challenge ], [qw(expires_in methods mfa_required mfa_token)], 'has these members');
is($response->{headers}{'set-cookie'}, undef, 'and sets no cookies');
is((request('GET', '/me', undef, $challenge->{mfa_token}))[0], 401, 'a challenge is not an access token');
is((post('/mfa/init', undef, $challenge->{mfa_token}))[0], 401, 'and adds no factor');
my ($status, $answer) = post('/mfa/verify', { mfa_token => $challenge->{mfa_token}, code => wrong($secret) });
is("$status $answer->{detail}{error} $answer->{detail}{message}", '401 invalid_mfa_code Invalid MFA code',
	'a wrong code');
# kept, because a new step may begin before it is tried again
my $used = code($secret, 1);
($status, $answer) = post('/mfa/verify', { mfa_token => $challenge->{mfa_token}, code => $used });
is($status, 200, 'a right code after a wrong one');
ok($answer->{tokens}{access_token} && $answer->{user}{session_id}, 'signs in');
($status, $answer) = post('/mfa/verify', { mfa_token => $challenge->{mfa_token}, code => $codes->[0] });
is("$status $answer->{detail}{error}", '401 invalid_mfa_token', 'the challenge is used up');
($challenge) = challenge('ada@example.com');
is((post('/mfa/verify', { mfa_token => $challenge->{mfa_token}, code => $used }))[0], 401,
	'and so is the code');
is((post('/mfa/verify', { mfa_token => $challenge->{mfa_token}, code => uc $codes->[0] }))[0], 200, 'a backup code');
($challenge) = challenge('ada@example.com');
is((post('/mfa/verify', { mfa_token => $challenge->{mfa_token}, code => $codes->[0] }))[0], 401, 'counts once');
is((post('/mfa/verify', { mfa_token => $challenge->{mfa_token} }))[0], 422, 'a body without a code');

# step-up, new backup codes, and off again
another_time();
($status, $answer) = post('/mfa/step-up', { code => code($secret) }, $token);
is($status, 200, 'a step-up');
is((request('GET', '/me', undef, $answer->{tokens}{access_token}))[0], 200, 'gives new tokens');
($status, $answer) = post('/mfa/backup-codes/regenerate', { code => wrong($secret) }, $token);
is("$status $answer->{detail}{message}", '400 Invalid TOTP code', 'a wrong code makes no backup codes');
($status, $answer) = post('/mfa/backup-codes/regenerate', { code => code($secret, 1) }, $token);
is($status . ' ' . scalar(@$answer), '200 10', 'a right one makes ten');
push @secrets, @$answer;
($status, $answer) = post('/mfa/disable', { code => 'x' }, $token);
is("$status $answer->{detail}{message}", '400 Invalid MFA code', 'a wrong code disables nothing');
another_time();
is((post('/mfa/disable', { code => code($secret) }, $token))[0], 204, 'a right one does');
($status, $answer) = post('/login', { email => 'ada@example.com', password => 'correct horse' });
ok($answer->{tokens}, 'from then on a password is enough');

# an admin's help
my $eve = sign_up('eve@example.com');
my ($of_eve) = enable($eve->{tokens}{access_token});
$node->safe_psql('app', "SELECT authfort.create_user('root\@example.com', 'correct horse', roles => '{admin}')");
my $admin = (post('/login', { email => 'root@example.com', password => 'correct horse' }))[1]{tokens}{access_token};
is((request('DELETE', "/admin/users/$eve->{user}{id}/mfa", undef, $eve->{tokens}{access_token}))[0], 401,
	'not one\'s own');
is((request('DELETE', "/admin/users/$eve->{user}{id}/mfa", undef, $admin))[0], 204, 'an admin resets it');
is((request('DELETE', "/admin/users/$eve->{user}{id}/mfa", undef, $admin))[1]{detail}{error}, 'mfa_not_enabled',
	'once');
is((request('DELETE', '/admin/users/x/mfa', undef, $admin))[0], 404, 'of a user');

# the lock: five wrong codes, and then 429
$eve = (post('/login', { email => 'eve@example.com', password => 'correct horse' }))[1];
($of_eve) = enable($eve->{tokens}{access_token});
($challenge) = challenge('eve@example.com');
my @statuses = map { (post('/mfa/verify',
	{ mfa_token => $challenge->{mfa_token}, code => wrong($of_eve) }))[0] } 1 .. 5;
is("@statuses", '401 401 401 401 401', 'five wrong codes');
($status, $answer, $response) = post('/mfa/verify', { mfa_token => $challenge->{mfa_token}, code => code($of_eve, 1) });
is("$status $answer->{detail}{error}", '429 mfa_locked', 'then a right one is not checked');
cmp_ok($response->{headers}{'retry-after'}, '>', 850, 'for a quarter of an hour');
challenge('eve@example.com');
is($node->safe_psql('app', q{SELECT string_agg(event, ' ' ORDER BY id) FROM authfort.events }
	. q{WHERE event ~ 'mfa_(failed|locked)' AND user_id = '}
		. $eve->{user}{id} . q{'}), 'mfa_failed mfa_failed mfa_failed mfa_failed mfa_failed mfa_locked',
			'what was recorded');

# attempts that are rolled back count as well
my $bob = sign_up('bob@example.com');
my ($of_bob) = enable($bob->{tokens}{access_token});
($challenge) = challenge('bob@example.com');
my $try = sub {
	my ($code, $end) = @_;
	return $node->safe_psql('app', "BEGIN; SELECT coalesce(r->>'error', 'tokens') "
		. "FROM authfort.complete_mfa_login('$challenge->{mfa_token}', '$code') r; $end");
};
is(join(' ', map { $try->(wrong($of_bob), 'ROLLBACK') } 1 .. 5), join(' ', ('invalid_mfa_code') x 5),
	'five wrong codes, rolled back');
is($node->safe_psql('app', "SELECT failed_attempts FROM authfort.mfa WHERE user_id = '$bob->{user}{id}'"), '0',
	'the row has none of them');
is($try->(code($of_bob, 1), 'COMMIT'), 'mfa_locked', 'and yet no more are checked');
$node->restart;
is($try->(code($of_bob, 1), 'COMMIT'), 'tokens', 'until the server starts anew');

# a claims hook that fails answers 500 and ends no session, whatever its error says
my $carol = sign_up('carol@example.com');
$node->safe_psql('app', q{CREATE FUNCTION broken_hook(jsonb, jsonb) RETURNS jsonb LANGUAGE plpgsql
	AS $$ BEGIN RAISE SQLSTATE 'PT403' USING MESSAGE = 'of the hook'; END $$;
	SELECT authfort.set_claims_hook('broken_hook(jsonb, jsonb)')});
($status, $answer, $response) = post('/refresh', { refresh_token => $carol->{tokens}{refresh_token} });
is($status, 500, 'a refresh with a broken hook');
unlike($response->{content}, qr/of the hook/, 'reveals nothing of it');
like(slurp_file($node->logfile), qr/LOG:  claims hook public\.broken_hook\(.*\) failed with SQLSTATE 38000/,
	'the log says which hook failed');
$node->safe_psql('app', 'SELECT authfort.set_claims_hook(NULL)');
is((post('/refresh', { refresh_token => $carol->{tokens}{refresh_token} }))[0], 200,
	'without the hook the same token works');

# where the secrets are not
my $log = slurp_file($node->logfile);
my %distinct = map { $_ => 1 } grep { length } @secrets;
my @long = grep { length > 6 } keys %distinct;
cmp_ok(scalar @long, '>', 40, 'secrets to look for');
like($log, qr/complete_mfa_login|<hidden>/, 'the log has the calls, hidden');
is(scalar(grep { index($log, $_) >= 0 } @long), 0, 'no secret, backup code or challenge is in the log');
my ($dump, $errors) = run_command([ 'pg_dump', '--port', $node->port, '--host', $node->host, 'app' ]);
like($dump, qr/COPY authfort\.mfa .*\n[0-9a-f-]{36}\t/, 'the dump has the rows');
is(scalar(grep { index($dump, $_) >= 0 } @long), 0, 'and none of the secrets');

$gateway->stop;
$node->stop;
done_testing();
