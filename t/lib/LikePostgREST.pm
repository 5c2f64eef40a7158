# Does to the database, for one request, what PostgREST 12 to 14 does: the same
# transaction, settings and statements in the same order (its modules PreQuery,
# Statements, SqlFragment and Error).  It is not PostgREST: of tables it reads
# all rows and inserts one of text, and it takes a token's signature for good if
# the published key set has its key.
package LikePostgREST;
use strict;
use warnings FATAL => 'all';

use DBI;
use Encode ();
use JSON::PP;
use MIME::Base64 qw(decode_base64url);

my $json = JSON::PP->new->canonical->utf8(0)->allow_nonref;

# Options: dsn, user, anon (db-anon-role), schema (of the request), pre_request.
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
	$self->{db}->do('LISTEN pgrst');
}

# Whether there was a notification since; if so the configuration is read again.
sub reload_if_told
{
	my ($self) = @_;
	my @told;
	while (my $n = $self->{db}->pg_notifies) { push @told, $n->[2]; }
	$self->load_config if grep { $_ eq 'reload config' } @told;
	return scalar @told;
}

sub verified_claims
{
	my ($self, $token) = @_;
	my ($header, $payload) = map { $json->decode(decode_base64url($_)) } (split /\./, $token)[ 0, 1 ];
	return undef unless grep { $_->{kid} eq $header->{kid} } @{ $self->{keys} };
	return undef if $payload->{exp} <= time;
	return $payload;
}

my %status_of = ('42501' => 403, '25006' => 405, '23505' => 409, '23503' => 409, '42883' => 404, '42P01' => 404);

# What its Error module makes of an error of the database.
sub error_response
{
	my ($self, $anonymous) = @_;
	my ($state, $message, $detail) = ($self->{db}->state, map { $self->{db}->pg_error_field($_) } qw(message_primary message_detail));
	if ($state eq 'PGRST')
	{
		my ($body, $rest) = ($json->decode($message), $json->decode($detail));
		return { status => $rest->{status}, headers => [ map { { $_ => $rest->{headers}{$_} } } sort keys %{ $rest->{headers} } ],
			body => $json->encode({ details => undef, hint => undef, %$body }) };
	}
	my $status = $status_of{$state} // ($state =~ /^28/ ? 403 : $state =~ /^(25|2D|38|39|40|54|55|57|58|XX|P0)/ && $state ne 'P0001' ? 500 : 400);
	$status = 401 if $state eq '42501' && $anonymous;
	return { status => $status, headers => $status == 401 ? [ { 'WWW-Authenticate' => 'Bearer' } ] : [],
		body => $json->encode({ code => $state, message => $message, details => $detail, hint => undef }) };
}

sub failure
{
	my ($status, $code) = @_;
	return { status => $status, headers => $status == 401 ? [ { 'WWW-Authenticate' => 'Bearer error="invalid_token"' } ] : [],
		body => $json->encode({ code => $code }) };
}

# What a call of a function reads from, and its parameter: an empty body and one
# without members are the same, a call without arguments.
sub call
{
	my ($self, $schema, $function, $method, $content_type, $text) = @_;
	my ($argument, @bind) = ('');
	if ($method eq 'POST')
	{
		return failure(404, 'PGRST202') if $content_type !~ m{^application/json};
		my $body = length($text) ? eval { $json->decode($text) } : {};
		return failure(400, 'PGRST102') if !defined $body;
		($body) = @$body if ref $body eq 'ARRAY' && @$body && ref $body->[0] eq 'HASH';
		($argument, @bind) = ('?::json', $text) if ref $body eq 'HASH' && %$body;
	}
	my $volatility = $self->{db}->selectrow_array(
		'SELECT provolatile FROM pg_proc WHERE pronamespace = ?::regnamespace AND proname = ? AND pronargs = ?',
		undef, $schema, $function, scalar @bind) or return failure(404, 'PGRST202');
	return (undef, $method ne 'POST' || $volatility ne 'v',
		qq{SELECT pgrst_call.pgrst_scalar FROM (SELECT "$schema"."$function"($argument) pgrst_scalar) pgrst_call},
		q{coalesce(json_agg(_postgrest_t.pgrst_scalar)->0, 'null')}, @bind);
}

# The same for a table.
sub read_or_insert
{
	my ($self, $schema, $table, $method, $text) = @_;
	return (undef, 1, qq{SELECT "$table".* FROM "$schema"."$table"}, q{coalesce(json_agg(_postgrest_t), '[]')}) if $method ne 'POST';
	my @columns = map { qq{"$_"} } sort keys %{ $json->decode($text) };
	return (undef, 0, qq{INSERT INTO "$schema"."$table"(} . join(', ', @columns) . ') SELECT ' . join(', ', map { "pgrst_body.$_" } @columns)
			. ' FROM (SELECT ?::json AS json_data) pgrst_payload, LATERAL (SELECT ' . join(', ', @columns)
			. ' FROM json_to_record(pgrst_payload.json_data) AS _(' . join(', ', map { "$_ text" } @columns) . ')) pgrst_body RETURNING 1', q{''::text}, $text);
}

# A request: method, function or /table, headers (lower-case names), cookies, body.
sub request
{
	my ($self, $method, $what, %more) = @_;
	my %headers = %{ $more{headers} // {} };
	my $schema = $headers{ $method eq 'POST' ? 'content-profile' : 'accept-profile' } // $self->{schema};
	my %claims;
	my $role = $self->{anon};

	if (($headers{authorization} // '') =~ /^bearer (.*)/i)
	{
		my $verified = $self->verified_claims($1) or return failure(401, 'PGRST301');
		%claims = %$verified;
		$role = $claims{role} // $role;
	}
	return failure(405, 'PGRST101') unless $method =~ /^(GET|HEAD|POST)$/;

	my $db = $self->{db};
	my ($refusal, $read_only, $source, $body, @bind) = $what =~ m{^/(.*)}
		? $self->read_or_insert($schema, $1, $method, $more{body})
		: $self->call($schema, $what, $method, $headers{'content-type'} // 'application/json', $more{body} // '');
	return $refusal if $refusal;
	my $response = eval {
		$db->begin_work;
		$db->do('SET TRANSACTION ISOLATION LEVEL READ COMMITTED, ' . ($read_only ? 'READ ONLY' : 'READ WRITE'));
		my @settings = (
			search_path => qq{"$schema", "public"}, role => $role,
			'request.jwt.claims' => $json->encode({ %claims, role => $role }),
			'request.method' => $method, 'request.path' => $what =~ m{^/} ? $what : "/rpc/$what",
			'request.headers' => $json->encode(\%headers), 'request.cookies' => $json->encode($more{cookies} // {}));
		$db->selectrow_array('select ' . join(', ', ('set_config(?, ?, true)') x (@settings / 2)), undef, @settings);
		$db->selectrow_array("select $self->{pre_request}()") if $self->{pre_request};
		my $row = $db->selectrow_hashref("WITH pgrst_source AS ($source) SELECT null::bigint AS total_result_set, 1 AS page_total, $body AS body, "
			. q{nullif(current_setting('response.headers', true), '') AS response_headers, nullif(current_setting('response.status', true), '') AS response_status, }
			. q{'' AS response_inserted FROM (SELECT "pgrst_source".* FROM "pgrst_source") _postgrest_t}, undef, @bind);
		$db->commit;
		my $status = $row->{response_status} // ($what =~ m{^/} && $method eq 'POST' ? 201 : 200);
		return { status => $status, headers => $json->decode($row->{response_headers} // '[]'), body => $status == 204 ? '' : $row->{body} };
	};
	return $response if $response;
	die $@ if !$db->err;
	$response = $self->error_response(!%claims);
	$db->rollback unless $db->{AutoCommit};
	return $response;
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
			$headers{ lc $name } = $value;
		}
		%cookies = map { /^\s*([^=]+)=(.*)/ } split /;/, delete $headers{cookie} // '';
		read $client, my $body, $headers{'content-length'} // 0;
		$self->reload_if_told;
		my ($what) = $target =~ m{^(?:/rpc/|(?=/))([^?]*)};
		my $response = $self->request($method, $what, headers => \%headers, cookies => \%cookies, body => Encode::decode_utf8($body // ''));
		my $bytes = Encode::encode_utf8($response->{body});
		print $client "HTTP/1.1 $response->{status} -\r\nConnection: close\r\n", ($response->{status} == 204 ? '' : 'Content-Length: ' . length($bytes) . "\r\n"),
			(map { my ($n, $v) = %$_; "$n: $v\r\n" } @{ $response->{headers} }), "\r\n", $method eq 'HEAD' ? '' : $bytes;
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
