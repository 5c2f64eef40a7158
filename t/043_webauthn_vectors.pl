# The test vectors of the WebAuthn specification, through the parsers that build without a server.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;

my $program = PostgreSQL::Test::Utils::tempdir() . '/webauthn';
my $sources = join ' ', 't/vectors/webauthn.c', map { "src/crypto/$_.c" } qw(cbor webauthn_data webauthn_key);
my $options = '-std=gnu11 -D_GNU_SOURCE -g -O1 -Wall -Wextra -Werror -Isrc';
my $sanitize = '-fsanitize=address,undefined -fno-sanitize-recover=all';
is(system("cc $options $sanitize -o $program $sources -lcbor -lcrypto -lsodium"), 0, 'the program builds');
my %result = map { /^(\S+) (.*)/ } split /\n/, `$program <t/vectors/webauthn.txt`;
is($?, 0, 'and runs');
is_deeply(\%result, {
	'none-es256' => 'ES256 none verifies',
	'packed-self-es256' => 'ES256 self verifies',
	'none-es256-crossOrigin' => 'ES256 none verifies',
	'none-es256-topOrigin' => 'ES256 none verifies',
	'none-es256-long-credential-id' => 'ES256 none verifies',
	'packed-es256' => 'ES256 unchecked verifies',
	'packed-rs256' => 'RS256 unchecked verifies',
	'packed-eddsa' => 'EdDSA unchecked verifies',
	'tpm-es256' => 'ES256 unchecked verifies',
	'android-key-es256' => 'ES256 unchecked verifies',
	'apple-es256' => 'ES256 unchecked verifies',
	'fido-u2f-es256' => 'ES256 unchecked verifies',
	# algorithms that registration does not ask for
	map { ("packed-$_" => 'refused: publicKey') } qw(es384 es512 ed448) },
	'each vector of an algorithm that is asked for verifies, and a changed one does not');

done_testing();
