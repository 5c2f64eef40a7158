# Does to the database, for one request, what PostgREST 16.2 does: the same
# transaction, settings and statements in the same order (its modules Auth.Jwt,
# PreQuery, Statements, MainTx, SqlFragment and Error).  It is not PostgREST: of
# tables it reads all rows and inserts one of text, of media types it knows JSON
# and forms without fields, and it takes a token's signature for good if the
# published key set has its key.
# With the option retries it does what versions to 14 did: a transaction that
# failed to serialize is tried again.
package LikePostgREST;
use strict;
use warnings FATAL => 'all';

use DBI;
use Encode ();
use JSON::PP;
use MIME::Base64 qw(decode_base64url);

my $json = JSON::PP->new->canonical->utf8(0)->allow_nonref;

# Seconds by which the dates of a token may be wrong.
our $skew = 30;

# Options: dsn, user, anon (db-anon-role), schema (of the request), pre_request, retries.
sub new
{
	my ($class, %options) = @_;
	my $self = bless {%options}, $class;
	$self->{db} = DBI->connect($self->{dsn}, $self->{user}, '',
		{ RaiseError => 1, PrintError => 0, AutoCommit => 1, pg_enable_utf8 => 1 });
	$self->load_config;
	return $self;
}

# The in-database configuration, read at start and at NOTIFY pgrst.
sub load_config
{
	my ($self) = @_;
	my %setting = map { /^([^=]+)=(.*)/s } @{ $self->{db}->selectcol_arrayref(<<'SQL') };
SELECT unnest(setconfig) FROM pg_catalog.pg_db_role_setting WHERE setrole = quote_ident(current_user)::regrole::oid
	AND setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_catalog)) ORDER BY setdatabase
SQL
	$self->{keys} = $setting{'pgrst.jwt_secret'} ? $json->decode($setting{'pgrst.jwt_secret'})->{keys} : [];
	$self->load_role_settings;
	$self->{db}->do('LISTEN pgrst');
}

# The settings of the roles that it may become, but none of one database alone.
sub load_role_settings
{
	my ($self) = @_;
	$self->{role_settings} = {};
	my $rows = $self->{db}->selectall_arrayref(<<'SQL');
SELECT r.rolname, substr(s, 1, strpos(s, '=') - 1) AS name, substr(s, strpos(s, '=') + 1)
	FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid, unnest(r.rolconfig) s
	JOIN pg_settings ps ON ps.name = split_part(s, '=', 1) AND ps.context = 'user'
	WHERE m.member = quote_ident(current_user)::regrole::oid ORDER BY 1, 2
SQL
	$self->{role_settings}{ $_->[0] }{ $_->[1] } = $_->[2] foreach @$rows;
}

# Whether there was a notification since; if so the configuration is read again.
sub reload_if_told
{
	my ($self) = @_;
	my @told;
	while (my $n = $self->{db}->pg_notifies) { push @told, $n->[2]; }
	$self->load_config if grep { $_ =~ /^reload (config|schema)$/ } @told;
	return scalar @told;
}

# The claims, or a response.
sub verify
{
	my ($self, $token) = @_;
	return (undef, refused_token('PGRST301', 'Empty JWT is sent in Authorization header')) if $token eq '';
	my @parts = split /\./, $token, -1;
	return (undef, refused_token('PGRST301', 'Expected 3 parts in JWT; got ' . @parts)) if @parts != 3;
	my ($header, $claims) = map { eval { $json->decode(decode_base64url($_)) } } @parts[ 0, 1 ];
	return (undef, refused_token('PGRST301', 'No suitable key or wrong key type'))
		unless ref $header eq 'HASH' && grep { $_->{kid} eq ($header->{kid} // '') } @{ $self->{keys} };
	return (undef, refused_token('PGRST303', 'Parsing claims failed')) if ref $claims ne 'HASH';
	return (undef, refused_token('PGRST303', 'JWT expired'))
		if exists $claims->{exp} && whole($claims->{exp}) < time - $skew;
	return (undef, refused_token('PGRST303', 'JWT not yet valid'))
		if exists $claims->{nbf} && whole($claims->{nbf}) > time + $skew;
	return (undef, refused_token('PGRST303', 'JWT issued at future'))
		if exists $claims->{iat} && whole($claims->{iat}) > time + $skew;
	return ($claims);
}

# It takes a number with a fraction for 0.
sub whole { return $_[0] == int $_[0] ? $_[0] : 0; }

sub refused_token
{
	my ($code, $message) = @_;
	my $challenge = qq{Bearer error="invalid_token", error_description="$message"};
	return { status => 401, headers => [ { 'WWW-Authenticate' => $challenge } ],
		body => $json->encode({ code => $code, message => $message, details => undef, hint => undef }) };
}

# The first that fits the SQLSTATE.
my @status_of = (
	[ qr/^08/, 503 ], [ qr/^09/, 500 ], [ qr/^0[LP]/, 403 ], [ qr/^2350[35]/, 409 ], [ qr/^25006/, 405 ],
		[ qr/^21000/, 500 ],
	[ qr/^25/, 500 ], [ qr/^28/, 403 ], [ qr/^(2D|38|39|3B|40)/, 500 ], [ qr/^53400/, 500 ], [ qr/^53/, 503 ],
		[ qr/^5[45]/, 500 ],
	[ qr/^57P01/, 503 ], [ qr/^5[78]/, 500 ], [ qr/^(F0|HV)/, 500 ], [ qr/^P0001/, 400 ], [ qr/^P0/, 500 ],
		[ qr/^XX/, 500 ],
	[ qr/^(42883|42P01)/, 404 ], [ qr/^42P17/, 500 ], [ qr/^42501/, 403 ]);

sub status_of
{
	my ($state, $message, $anonymous) = @_;
	return 401 if $state eq '42501' && $anonymous;
	return 401 if $state eq '22023' && $message =~ /^role.*does not exist$/;
	return $state =~ /^PT(\d{3})$/ ? $1 : 500 if $state =~ /^PT/;
	my ($row) = grep { $state =~ $_->[0] } @status_of;
	return $row ? $row->[1] : 400;
}

# What its Error module makes of an error of the database.
sub error_response
{
	my ($self, $anonymous) = @_;
	my ($state, $message, $detail, $hint) = ($self->{db}->state,
		map { $self->{db}->pg_error_field($_) } qw(message_primary message_detail message_hint));
	if ($state eq 'PGRST')
	{
		my ($body, $rest) = ($json->decode($message), $json->decode($detail));
		return { status => $rest->{status},
			headers => [ map { { $_ => $rest->{headers}{$_} } } sort keys %{ $rest->{headers} } ],
			body => $json->encode({ details => undef, hint => undef, %$body }) };
	}
	my $status = status_of($state, $message // '', $anonymous);
	return { status => $status, headers => $status == 401 ? [ { 'WWW-Authenticate' => 'Bearer' } ] : [],
		body => $json->encode({ code => $state, message => $message, details => $detail, hint => $hint }) };
}

sub failure
{
	my ($status, $code) = @_;
	return { status => $status, headers => [], body => $json->encode({ code => $code }) };
}

my $form = qr{^application/x-www-form-urlencoded\b};

# What a call of a function reads from, and its parameter: an empty body and one
# without members are the same, a call without arguments.  Returns the response
# of a call that cannot be; else whether the transaction is read only, its
# isolation level if the function has one, the source, the body, parameters.
sub call
{
	my ($self, $schema, $function, $method, $content_type, $text) = @_;
	my ($argument, @bind) = ('');
	if ($method eq 'POST')
	{
		# the fields of a form are parameters by name, and these types are one unnamed parameter of another type
		return failure(404, 'PGRST202') if $content_type =~ m{^(application/octet-stream|text/(plain|xml))\b}
			|| $content_type =~ $form && length $text;
		return failure(400, 'PGRST102') if $content_type !~ m{^application/json\b} && $content_type !~ $form;
		my $body = length($text) ? eval { $json->decode($text) } : {};
		return failure(400, 'PGRST102') if !defined $body;
		if (ref $body eq 'ARRAY' && @$body)
		{
			return failure(400, 'PGRST102') if grep { ref ne 'HASH'
				|| "@{[ sort keys %$_ ]}" ne "@{[ sort keys %{ $body->[0] } ]}" } @$body;
			$body = $body->[0];
		}
		($argument, @bind) = ('?::json', $text) if ref $body eq 'HASH' && %$body;
	}
	my ($volatility, $isolation) = $self->{db}->selectrow_array(<<'SQL', undef, $schema, $function, scalar @bind)
SELECT provolatile, split_part(s, '=', 2) FROM pg_proc
	LEFT JOIN LATERAL unnest(proconfig) s ON s LIKE 'default\_transaction\_isolation=%'
	WHERE pronamespace = ?::regnamespace AND proname = ? AND pronargs = ?
SQL
		or return failure(404, 'PGRST202');
	return (undef, $method ne 'POST' || $volatility ne 'v', $isolation,
		qq{SELECT pgrst_call.pgrst_scalar FROM (SELECT "$schema"."$function"($argument) pgrst_scalar) pgrst_call},
		$method eq 'HEAD' ? q{''::text} : q{coalesce(json_agg(_postgrest_t.pgrst_scalar)->0, 'null')}, @bind);
}

# The same for a table.
sub read_or_insert
{
	my ($self, $schema, $table, $method, $text) = @_;
	return (undef, 1, undef, qq{SELECT "$table".* FROM "$schema"."$table"}, $method eq 'HEAD' ? q{''::text}
		: q{coalesce(json_agg(_postgrest_t), '[]')})
		if $method ne 'POST';
	my @columns = map { qq{"$_"} } sort keys %{ $json->decode($text) };
	return (undef, 0, undef, qq{INSERT INTO "$schema"."$table"(} . join(', ', @columns) . ') SELECT '
		. join(', ', map { "pgrst_body.$_" } @columns)
			. ' FROM (SELECT ?::json AS json_data) pgrst_payload, LATERAL (SELECT ' . join(', ', @columns)
			. ' FROM json_to_record(pgrst_payload.json_data) AS _(' . join(', ', map { "$_ text" } @columns)
				. ')) pgrst_body RETURNING 1', q{''::text}, $text);
}

# Runs statements in a transaction, begun with its modes; the last one's row.
sub transact
{
	my ($self, $modes, @statements) = @_;
	my $db = $self->{db};
	while (1)
	{
		my $row = eval {
			my $last;
			$db->do("BEGIN $modes");
			$last = $db->selectrow_hashref(shift @$_, undef, @$_) foreach map { [@$_] } @statements;
			$db->do('COMMIT');
			$last;
		};
		return $row if $row;
		die $@ if !$db->err;
		my %failed = (error => $@, state => $db->state, response => $self->error_response($self->{anonymous}));
		$db->do('ROLLBACK') if $db->ping;
		return $failed{response} if !$self->{retries} || $failed{state} !~ /^40(001|P01)$/;
	}
}

# A request: method, function or /table, headers (lower-case names), cookies, body.
sub request
{
	my ($self, $method, $what, %more) = @_;
	my %headers = %{ $more{headers} // {} };
	my $schema = $headers{ $method eq 'POST' ? 'content-profile' : 'accept-profile' } // $self->{schema};
	my %claims;
	my $role = $self->{anon};

	# a preflight request, with no origin configured
	return { status => 200, headers => [ { 'Access-Control-Allow-Origin' => '*' } ], body => '' }
		if $method eq 'OPTIONS' && $headers{origin} && $headers{'access-control-request-method'};
	if (($headers{authorization} // '') =~ /^bearer(?:\s+(.*))?$/is)
	{
		my ($verified, $refusal) = $self->verify($1 // '');
		return $refusal if $refusal;
		%claims = %$verified;
		$role = $claims{role} // $role;
	}
	$self->{anonymous} = $role eq $self->{anon};
	return failure(405, 'PGRST101') unless $method =~ /^(GET|HEAD|POST)$/;

	my ($refusal, $read_only, $isolation, $source, $body, @bind) = $what =~ m{^/(.*)}
		? $self->read_or_insert($schema, $1, $method, $more{body})
		: $self->call($schema, $what, $method, $headers{'content-type'} // 'application/json', $more{body} // '');
	return $refusal if $refusal;
	return failure(406, 'PGRST107') if ($headers{accept} // '*/*') !~ m{(^|,)\s*(application/json|application/\*|\*/\*)};
	my %role_settings = %{ $self->{role_settings}{$role} // {} };
	$isolation //= delete $role_settings{default_transaction_isolation} // 'read committed';
	$isolation = 'read committed' if $isolation !~ /^(repeatable read|serializable)$/i;
	my @settings = (
		search_path => qq{"$schema", "public"}, %role_settings, role => $role,
		'request.jwt.claims' => $json->encode({ %claims, role => $role }),
		'request.method' => $method, 'request.path' => $what =~ m{^/} ? $what : "/rpc/$what",
		'request.headers' => $json->encode(\%headers), 'request.cookies' => $json->encode($more{cookies} // {}));
	my $row = $self->transact("ISOLATION LEVEL \U$isolation\E " . ($read_only ? 'READ ONLY' : 'READ WRITE'),
		[ 'select ' . join(', ', map { "set_config(?, ?, true) AS s$_" } 1 .. @settings / 2), @settings ],
		$self->{pre_request} ? ["select $self->{pre_request}()"] : (),
		[ "WITH pgrst_source AS ($source) SELECT null::bigint AS total_result_set, 1 AS page_total, $body AS body, "
			. q{nullif(current_setting('response.headers', true), '') AS response_headers, }
			. q{nullif(current_setting('response.status', true), '') AS response_status, }
			. q{'' AS response_inserted FROM (SELECT "pgrst_source".* FROM "pgrst_source") _postgrest_t}, @bind ]);
	return $row if exists $row->{status};
	my $status = $row->{response_status} // ($what =~ m{^/} && $method eq 'POST' ? 201 : 200);
	# a 204 has no body, but the length of the one that it would have had
	return { status => $status, headers => $json->decode($row->{response_headers} // '[]'), body => $status == 204
		? '' : $row->{body},
		$status == 204 ? (length => length $row->{body}) : () };
}

# Answers HTTP requests, one at a time, until it is killed.
sub serve
{
	my ($self, $listener) = @_;
	while (my $client = $listener->accept)
	{
		my ($method, $target) = (readline($client) // '') =~ m{^(\S+) (\S+)} or next;
		my (%headers, %cookies);
		while (defined(my $line = readline $client))
		{
			my ($name, $value) = $line =~ /^([^:]+):\s*(.*?)\r?\n/ or last;
			next if $name =~ /^cookie$/i && exists $headers{cookie};
			$headers{ lc $name } = $value;
		}
		%cookies = map { /^\s*([^=]+)=(.*)/ } split /;/, delete $headers{cookie} // '';
		read $client, my $body, $headers{'content-length'} // 0;
		$self->reload_if_told;
		my ($what) = $target =~ m{^(?:/rpc/|(?=/))([^?]*)};
		my $response = $self->request($method, $what, headers => \%headers, cookies => \%cookies,
			body => Encode::decode_utf8($body // ''));
		my $bytes = Encode::encode_utf8($response->{body});
		print $client "HTTP/1.1 $response->{status} -\r\nConnection: close\r\n",
			($method eq 'HEAD' ? '' : 'Content-Length: ' . ($response->{length} // length $bytes) . "\r\n"),
			(map { my ($n, $v) = %$_; "$n: $v\r\n" } @{ $response->{headers} }), "\r\n", $bytes;
		close $client;
	}
}

# The values of a header of a response.
sub header
{
	my ($response, $name) = @_;
	return map { values %$_ } grep { lc((keys %$_)[0]) eq lc $name } @{ $response->{headers} };
}

1;
