# Tokens that are properly signed and yet wrong: only an outside signer can make them.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(chomped start_node);
use Digest::SHA qw(hmac_sha256);
use JSON::PP;
use MIME::Base64 qw(encode_base64url decode_base64url);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('tokens');
my $session = $node->background_psql('app', on_error_stop => 0);

# The outside signer: OpenSSL's command line, with keys that are inserted into the table.
my $dir = PostgreSQL::Test::Utils::tempdir();
my %generate = (
	RS256 => [qw(genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048)],
	ES256 => [qw(genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256)],
	EdDSA => [qw(genpkey -algorithm ED25519)]);

sub openssl
{
	my @arguments = @_;
	open my $pipe, '-|', 'openssl', @arguments or die "openssl: $!";
	binmode $pipe;
	local $/;
	my $output = <$pipe>;
	close $pipe or die "openssl @arguments failed";
	return $output;
}

sub write_file
{
	my ($name, $content) = @_;
	open my $file, '>', $name or die "$name: $!";
	binmode $file;
	print $file $content;
	close $file or die "$name: $!";
	return $name;
}

# expires_at keeps a key from signing; nothing reads the private half then
sub add_key
{
	my ($kid, $algorithm, $expires) = @_;
	write_file("$dir/$kid.pem", openssl(@{ $generate{$algorithm} }, '-quiet'));
	my $der = openssl('pkey', '-in', "$dir/$kid.pem", '-pubout', '-outform', 'DER');
	$node->safe_psql('app', sprintf
		"INSERT INTO authfort.signing_keys VALUES ('%s', '%s', '\\x%s', '', now(), now(), now() + '%s')",
		$kid, $algorithm, unpack('H*', $der), $expires);
	return $der;
}

# two DER integers to two numbers of 32 bytes
sub raw_signature
{
	my ($der) = @_;
	my ($r, $s) = unpack 'x2 x C/a x C/a', $der;
	return join '', map { substr("\0" x 32 . $_, -32) } $r, $s;
}

sub signature
{
	my ($kid, $algorithm, $message) = @_;
	my $file = write_file("$dir/message", $message);
	return openssl('pkeyutl', '-sign', '-rawin', '-inkey', "$dir/$kid.pem", '-in', $file) if $algorithm eq 'EdDSA';
	my $made = openssl('dgst', '-sha256', '-sign', "$dir/$kid.pem", $file);
	return $algorithm eq 'ES256' ? raw_signature($made) : $made;
}

my $now = time;
my %right = (
	iss => 'authfort', sub => '11111111-2222-4333-8444-555555555555', sid => '66666666-7777-4888-8999-aaaaaaaaaaaa',
	iat => $now, exp => $now + 600, ver => 1, email => 'ada@example.com', name => undef, roles => ['admin']);

# a hash that lacks the members whose new value is the string "missing"
sub but
{
	my ($of, %changes) = @_;
	my %all = (%$of, %changes);
	return { map { $_ => $all{$_} } grep { !defined $all{$_} || $all{$_} ne 'missing' } keys %all };
}

sub json { return ref $_[0] ? JSON::PP->new->utf8->canonical->encode($_[0]) : $_[0]; }

# header and payload are hashes, or the very text
sub token
{
	my ($header, $payload, $kid, $algorithm) = @_;
	my $signed = encode_base64url(json($header)) . '.' . encode_base64url(json($payload));
	return $signed . '.' . encode_base64url(signature($kid // 'ed', $algorithm // 'EdDSA', $signed));
}

my %header = (alg => 'EdDSA', typ => 'JWT', kid => 'ed');
sub claiming { return token(\%header, but(\%right, @_)); }
sub headed { return token(but(\%header, @_), \%right); }

# one call, in one session: the result, or the DETAIL of the error
sub verdict
{
	my ($token) = @_;
	my $out = chomped($session->query("SELECT authfort.verify_jwt(\$token\$$token\$token\$)->>'sub'"));
	my $err = $session->{stderr};
	$session->{stderr} = '';
	return $err =~ /^DETAIL:  (.*)$/m ? $1 : $err ne '' ? $err : $out;
}

sub accepted { is(verdict($_[0]), $right{sub}, "accepted: $_[1]"); }
sub refused { is(verdict($_[0]), $_[2] // 'token_invalid', "refused: $_[1]"); }

my %public = (rs => add_key('rs', 'RS256', '1 day'), es => add_key('es', 'ES256', '1 day'),
	ed => add_key('ed', 'EdDSA', '1 day'));
add_key('gone', 'EdDSA', '-1 second');
my %algorithm = (rs => 'RS256', es => 'ES256', ed => 'EdDSA');

# correct tokens are accepted, so the refusals below have the reason that their names give
foreach my $kid (qw(rs es ed))
{
	accepted(token(but(\%header, kid => $kid, alg => $algorithm{$kid}), \%right, $kid, $algorithm{$kid}),
		$algorithm{$kid});
}
accepted(headed(typ => 'jwt'), 'typ in lower case');
accepted(headed(jku => 'https://evil.example', x5u => 'https://evil.example'), 'header members that are ignored');
accepted(claiming(nbf => $now - 5, jti => 'x', name => "\x{1F511}"), 'optional claims');
accepted(claiming(roles => []), 'an empty list of roles');
my $escaped = json(\%right);
$escaped =~ s/"exp"/"\\u0065xp"/;
accepted(token(\%header, $escaped), 'a claim whose name is written with an escape');

# claims
refused(claiming(purpose => $_), 'a token for another purpose, ' . json([$_]))
	foreach 'mfa_challenge', 'access', '', undef;
refused(claiming($_ => 'missing'), "a token without $_") foreach qw(iss sub sid iat exp ver email roles);
refused(claiming($_ => undef), "$_ is null") foreach qw(iss sub sid iat exp ver email roles nbf);
refused(claiming($_ => "$right{$_}"), "$_ as a string") foreach qw(iat exp ver);
refused(claiming($_ => 7), "$_ as a number") foreach qw(iss sub sid email roles);
foreach my $date (qw(iat exp))
{
	(my $float = json(\%right)) =~ s/"$date":(\d+)/"$date":$1.5/;
	refused(token(\%header, $float), "$date with a fraction");
	(my $zero = json(\%right)) =~ s/"$date":(\d+)/"$date":$1.0/;
	refused(token(\%header, $zero), "$date with a fraction of nothing");
	(my $power = json(\%right)) =~ s/"$date":(\d+)/"$date":$1e0/;
	refused(token(\%header, $power), "$date with an exponent");
}
foreach my $huge ('9223372036854775808', '18446744073709551617', '1' . '0' x 400, '1e400', '-1',
	'-9223372036854775809', 'NaN', 'Infinity', '"Infinity"', '[1]', '{}')
{
	(my $payload = json(\%right)) =~ s/"exp":\d+/"exp":$huge/;
	refused(token(\%header, $payload), 'exp ' . substr($huge, 0, 24));
}
refused(claiming(iss => $_), "issuer \"$_\"") foreach 'AuthFort', 'authfort ', '', "authfort\0x", 'authfor';
refused(claiming(iss => ['authfort']), 'an array as issuer');
refused(claiming(aud => $_), 'an audience where none is set, ' . json([$_])) foreach 'app', '', ['app'], [], undef;
refused(claiming(nbf => $now + 300), 'a token that is not valid yet');
refused(claiming(nbf => "$now"), 'nbf as a string');
refused(claiming(iat => $now + 300), 'a token issued in the future');
refused(claiming(iat => -1), 'a token issued at a negative time');
refused(claiming(exp => $now, iat => $now), 'a token without a lifetime');
refused(claiming(sub => $_), "sub \"$_\"") foreach uc 'aaaaaaaa-2222-4333-8444-555555555555',
	'11111111222243338444555555555555', "{$right{sub}}", "$right{sub} ", '', "$right{sub}\0";
refused(claiming(sid => 'x'), 'sid that is not a UUID');
refused(claiming(roles => $_), 'roles ' . json($_)) foreach [undef], [1], [['admin']], { admin => 1 };
refused(claiming(roles => 'admin'), 'roles as a string');

# time
refused(claiming(iat => $now - 600, exp => $now - 1), 'an expired token', 'token_expired');
refused(claiming(iat => 0, exp => 1), 'a token that expired in 1970', 'token_expired');
refused(claiming(iat => $now - 600, exp => $now - 1, purpose => 'x'), 'an expired token for another purpose');
refused(token(but(\%header, kid => 'gone'), \%right, 'gone'), 'a token signed with an expired key');

# the audience that is set
$session->query("SET authfort.jwt_audience = 'app'");
accepted(claiming(aud => 'app'), 'the required audience');
accepted(claiming(aud => [ 'other', 'app' ]), 'one of several audiences');
refused(claiming(), 'no audience where one is required');
refused(claiming(aud => $_), 'another audience, ' . json([$_]))
	foreach 'App', '', 'apple', [], ['other'], [['app']], { app => 1 }, undef;
$session->query('RESET authfort.jwt_audience');

# algorithms
my $signed = encode_base64url(json(but(\%header, alg => 'HS256', kid => 'rs'))) . '.'
	. encode_base64url(json(\%right));
my $pem = openssl('pkey', '-in', "$dir/rs.pem", '-pubout');
refused("$signed." . encode_base64url(hmac_sha256($signed, $public{rs})),
	'HS256 with the public key, in DER, as secret');
refused("$signed." . encode_base64url(hmac_sha256($signed, $pem)), 'HS256 with the public key, in PEM, as secret');
foreach my $none (qw(none None NONE), '')
{
	my $unsigned = encode_base64url(json(but(\%header, alg => $none))) . '.' . encode_base64url(json(\%right));
	refused("$unsigned.", "alg \"$none\" with no signature");
	refused(token(but(\%header, alg => $none), \%right), "alg \"$none\" with a signature");
}
foreach my $kid (qw(rs es ed))
{
	foreach my $other (grep { $_ ne $kid } qw(rs es ed))
	{
		refused(token(but(\%header, kid => $kid, alg => $algorithm{$other}), \%right, $kid, $algorithm{$kid}),
			"alg $algorithm{$other}, but a signature with its $algorithm{$kid} key");
		refused(token(but(\%header, kid => $kid, alg => $algorithm{$other}), \%right, $other, $algorithm{$other}),
			"alg $algorithm{$other} and such a signature, but the kid of a $algorithm{$kid} key");
		refused(token(but(\%header, kid => $kid, alg => $algorithm{$kid}), \%right, $other, $algorithm{$other}),
			"alg $algorithm{$kid}, but a signature with an $algorithm{$other} key");
	}
}
refused(headed(alg => $_), "alg \"$_\"") foreach qw(eddsa EDDSA Ed25519 RS384 PS256), "EdDSA\0";
refused(headed(alg => $_), 'alg ' . json([$_])) foreach 'missing', undef, ['EdDSA'], 1;

# the rest of the header
refused(headed(kid => $_), 'kid ' . json([$_])) foreach 'missing', undef, '', 'unknown', 'ED', ['ed'], "ed\0",
	"ed' OR true --", 'x' x 5000;
refused(headed(typ => $_), 'typ ' . json([$_])) foreach 'missing', undef, '', 'at+jwt', 'application/jwt', 'JWE',
	['JWT'];
refused(headed(crit => $_), 'crit ' . json([$_])) foreach ['exp'], [], undef, 'b64';
refused(headed(b64 => JSON::PP::false, crit => ['b64']), 'an unencoded payload');
my $plain = json(\%header);
foreach my $member ('alg', 'kid', 'typ')
{
	refused(token($plain =~ s/\}$/,"$member":"$header{$member}"}/r, \%right), "$member twice, the same");
	refused(token($plain =~ s/^\{/{"$member":"other",/r, \%right), "$member twice");
	refused(token($plain =~ s/\}$/sprintf ',"\\u%04x%s":"other"}', ord $member, substr $member, 1/er, \%right),
		"$member twice, once with an escape");
}
refused(token($_, \%right), "header $_") foreach 'null', '[]', '"EdDSA"', '{', "$plain$plain", "$plain,", '{}',
	"\xef\xbb\xbf$plain", '[' x 5000;
my $payload = json(\%right);
refused(token(\%header, $payload =~ s/\}$/,"exp":9999999999}/r), 'exp twice');
refused(token(\%header, $payload =~ s/\}$/,"sub":"$right{sub}"}/r), 'sub twice');
refused(token(\%header, $_), 'payload ' . substr $_, 0, 16)
	foreach 'null', "[$payload]", 'true', '{', "$payload$payload", "$payload x", '{}', '[' x 5000, '{"a":' x 2000;
refused(token(\%header, $payload =~ s/ada@/ada$_@/r), 'payload not UTF-8, ' . unpack 'H*', $_)
  foreach "\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", '\u0000', '\ud800', "\0", "\n";

# the compact form
my $right = claiming();
my ($first, $second, $third) = split /\./, $right;
accepted($right, 'the token whose form is changed below');
refused("$first.$second.$third" . '=' x $_, "$_ characters of padding") foreach 1, 2;
refused("$first=.$second.$third", 'padding in the header');
refused("$first.$second.$third.", 'four parts, the last empty');
refused("$right.$third", 'four parts');
refused("$right.$first.$second", 'five parts, as encrypted tokens have');
refused("$first.$second", 'two parts');
refused("$first.$second.", 'an empty signature');
refused(".$second.$third", 'an empty header');
refused("$first..$third", 'an empty payload');
refused($_, "\"$_\" alone") foreach '.', '..', '...', 'x', ' ';
refused($_->[0], "white space: $_->[1]")
  foreach [ " $right", 'before' ], [ "$right ", 'behind' ], [ "$right\n", 'a line end' ],
	[ "$first. $second.$third", 'between' ],
  [ "$first.$second." . substr($third, 0, 9) . "\n" . substr($third, 9), 'within' ], [ "Bearer $right", 'the scheme' ];
refused("$first.$second." . ($third =~ tr{-_}{+/}r) . '+', 'the other alphabet');

# 64 bytes take 86 characters, and the last one has 4 bits that carry nothing
my @alphabet = ('A' .. 'Z', 'a' .. 'z', 0 .. 9, '-', '_');
my %value = map { $alphabet[$_] => $_ } 0 .. 63;
my $last = substr $third, -1;
is(decode_base64url($third), decode_base64url(substr($third, 0, -1) . $alphabet[ $value{$last} | 1 ]),
	'a lenient decoder ignores the unused bits of the last character');
refused(substr($right, 0, -1) . $alphabet[ $value{$last} | $_ ], "unused bit $_ set in the last character") foreach 1,
	2, 4, 8;

# signatures
my $flipped = decode_base64url($third);
substr($flipped, $_, 1) ^= "\x01", refused("$first.$second." . encode_base64url($flipped), "bit flipped in byte $_"),
  substr($flipped, $_, 1) ^= "\x01"
  foreach 0, 31, 32, 63;
refused("$first." . encode_base64url($payload =~ s/"admin"/"super"/r) . ".$third",
	'another payload under the signature');
refused("$first.$second." . encode_base64url("\0" x 64), 'zeros as signature');
my %es = (alg => 'ES256', typ => 'JWT', kid => 'es');
my $es = token(\%es, \%right, 'es', 'ES256');
my ($es_signed, $es_signature) = $es =~ /^(.*)\.(.*)$/;
accepted($es, 'the ES256 token whose signature is changed below');
write_file("$dir/message", $es_signed);
refused("$es_signed." . encode_base64url(openssl('dgst', '-sha256', '-sign', "$dir/es.pem", "$dir/message")),
	'ES256 in DER');
refused("$es_signed." . encode_base64url($_->[0]), "ES256: $_->[1]")
  foreach [ "\0" x 64, 'r and s are zero' ], [ substr(decode_base64url($es_signature), 0, 63), '63 bytes' ],
	[ decode_base64url($es_signature) . "\0", '65 bytes' ],
  [ "\0" . decode_base64url($es_signature), 'a zero before' ], [ "\xff" x 64, 'numbers above the order' ],
  [ substr(decode_base64url($es_signature), 32) . substr(decode_base64url($es_signature), 0, 32), 'r and s swapped' ];
my ($rs_signed, $rs_signature) = token(but(\%header, alg => 'RS256', kid => 'rs'), \%right, 'rs',
	'RS256') =~ /^(.*)\.(.*)$/;
refused("$rs_signed." . encode_base64url("\0" . decode_base64url($rs_signature)),
	'RS256: a zero byte in front of the signature');
refused("$rs_signed." . encode_base64url(substr decode_base64url($rs_signature), 0, -1),
	'RS256: a signature one byte too short');

# size
accepted(claiming(filler => 'x' x 11000), 'a large token');
my $large = claiming(filler => 'x' x 12300);
cmp_ok(length $large, '>', 16384, 'the large token is over the limit');
refused($large, 'a token over the limit');
refused('x' x 1000000, 'a million letters');
refused('.' x 1000000, 'a million dots');

# a missing token is distinguished from an invalid one
refused('', 'an empty text', 'token_missing');
is(chomped($session->query(
		"SELECT authfort.try_verify_jwt('$right') IS NOT NULL, authfort.try_verify_jwt('$right=') IS NULL")), 't|t',
	'try_verify_jwt() gives NULL for a refused token only');

# the log has the reason
my $log = slurp_file($node->logfile);
like($log, qr/access token refused: its signature does not verify/, 'the log reports why a token was refused');
$session->quit;
$node->stop;
done_testing();
