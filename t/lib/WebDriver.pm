# A real browser: Debian's chromium, headless, driven by W3C WebDriver, with
# virtual authenticators (Web Authentication, section 11).
package WebDriver;
use strict;
use warnings FATAL => 'all';

use File::Temp qw(tempdir);
use HTTP::Tiny;
use JSON::PP;
use Time::HiRes qw(sleep time);

my $json = JSON::PP->new->utf8->canonical->allow_nonref;

# The path of the driver; undef where it or the browser is not installed.
sub driver
{
	foreach my $folder (split /:/, $ENV{PATH} . ':/usr/bin:/usr/lib/chromium')
	{
		return "$folder/chromedriver" if -x "$folder/chromedriver" && (-x '/usr/bin/chromium' || -x "$folder/chromium");
	}
	return undef;
}

# Starts a driver and a browser with an empty profile.  Options: args, a list of further ones of chromium.
sub new
{
	my ($class, %options) = @_;
	my $home = tempdir(CLEANUP => 1);
	my $self = bless { home => $home, http => HTTP::Tiny->new(timeout => 300) }, $class;
	my $log = "$home/driver.log";
	$self->{pid} = fork() // die "fork: $!";
	if ($self->{pid} == 0)
	{
		# a group of its own, so that all of the browser's processes can be ended
		setpgrp;
		@ENV{qw(HOME TMPDIR XDG_CONFIG_HOME XDG_CACHE_HOME)} = ($home) x 4;
		open STDIN, '<', '/dev/null' or die;
		open STDOUT, '>', $log or die;
		open STDERR, '>&', \*STDOUT or die;
		exec driver(), '--port=0' or die;
	}
	my $deadline = time + 180;
	until ($self->{port})
	{
		die "the driver does not start: see $log" if time > $deadline;
		sleep 0.05;
		open my $file, '<', $log or next;
		local $/;
		($self->{port}) = (<$file> // '') =~ /started successfully on port (\d+)/;
	}
	my @arguments = ('--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
		"--user-data-dir=$home/profile", @{ $options{args} // [] });
	my $session = $self->send('POST', '/session',
		{ capabilities => { alwaysMatch => { browserName => 'chrome', 'goog:chromeOptions' => { args => \@arguments } } } });
	$self->{session} = $session->{sessionId};
	$self->command('POST', 'timeouts', { script => 180000, pageLoad => 180000 });
	return $self;
}

sub send
{
	my ($self, $method, $path, $body) = @_;
	my $response = $self->{http}->request($method, "http://127.0.0.1:$self->{port}$path",
		defined $body ? { content => $json->encode($body), headers => { 'Content-Type' => 'application/json' } } : {});
	my $value = eval { $json->decode($response->{content})->{value} };
	die "WebDriver: $method $path: " . (ref $value ? "$value->{error}: $value->{message}" : $response->{content}) . "\n"
	  unless $response->{success};
	return $value;
}

# A command of this session, its path as in the specification.
sub command
{
	my ($self, $method, $path, $body) = @_;
	return $self->send($method, "/session/$self->{session}/$path", $method eq 'POST' ? $body // {} : undef);
}

sub go { my ($self, $url) = @_; return $self->command('POST', 'url', { url => $url }); }
sub url { return $_[0]->command('GET', 'url'); }
sub cookies { return @{ $_[0]->command('GET', 'cookie') }; }
sub delete_cookies { return $_[0]->command('DELETE', 'cookie'); }

# Elements by CSS selector: finding raises if there is none.
sub find
{
	my ($self, $selector) = @_;
	my ($id) = values %{ $self->command('POST', 'element', { using => 'css selector', value => $selector }) };
	return $id;
}

sub of_element
{
	my ($self, $method, $selector, $what, $body) = @_;
	return $self->command($method, 'element/' . $self->find($selector) . "/$what", $body);
}

sub click { my ($self, $selector) = @_; return $self->of_element('POST', $selector, 'click'); }
sub text { my ($self, $selector) = @_; return $self->of_element('GET', $selector, 'text'); }
sub type { my ($self, $selector, $text) = @_; return $self->of_element('POST', $selector, 'value', { text => $text }); }

# Runs the body of an async function in the page, its arguments in "args", and
# returns its value.  What the page throws is returned as {error => 'NAME: message'}.
sub run
{
	my ($self, $body, @arguments) = @_;
	my $result = $self->command('POST', 'execute/async', { script => <<"JS", args => \@arguments });
const args = Array.from(arguments), done = args.pop();
(async () => { $body })().then(value => done({value: value === undefined ? null : value}),
	error => done({value: {error: error.name + ': ' + error.message}}));
JS
	return $result->{value};
}

# What docs/passkeys.md shows, with the token of the signed-in user in the page.
my $passkeys = <<'JS';
const post = async (path, body, token) => {
	const response = await fetch('/auth' + path, {method: 'POST', body: JSON.stringify(body ?? {}),
		headers: {'Content-Type': 'application/json', ...(token ? {Authorization: 'Bearer ' + token} : {})}});
	return {status: response.status, ...await response.json()};
};
const create = async options => (await navigator.credentials.create(
	{publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options)})).toJSON();
const get = async options => (await navigator.credentials.get(
	{publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options)})).toJSON();
JS

# Runs the body as run() does, with post(), create() and get() of a page that uses passkeys.
sub run_with_passkeys { my ($self, $body, @arguments) = @_; return $self->run($passkeys . $body, @arguments); }

# A virtual authenticator, as section 11.3 has its options; the defaults are a
# phone's or laptop's own.  Returns its id.
sub add_authenticator
{
	my ($self, %options) = @_;
	my %able = map { $_ => JSON::PP::true } qw(hasResidentKey hasUserVerification isUserVerified isUserConsenting);
	return $self->command('POST', 'webauthn/authenticator',
		{ protocol => 'ctap2', transport => 'internal', %able, %options });
}

sub remove_authenticator { my ($self, $id) = @_; return $self->command('DELETE', "webauthn/authenticator/$id"); }

# What an authenticator holds: credentialId, privateKey (PKCS #8, base64url), rpId, userHandle, signCount ...
sub credentials { my ($self, $id) = @_; return @{ $self->command('GET', "webauthn/authenticator/$id/credentials") }; }

sub add_credential
{
	my ($self, $id, $credential) = @_;
	return $self->command('POST', "webauthn/authenticator/$id/credential", $credential);
}

sub remove_credential
{
	my ($self, $id, $credential) = @_;
	return $self->command('DELETE', "webauthn/authenticator/$id/credentials/$credential");
}

sub set_user_verified
{
	my ($self, $id, $verified) = @_;
	my $value = $verified ? JSON::PP::true : JSON::PP::false;
	return $self->command('POST', "webauthn/authenticator/$id/uv", { isUserVerified => $value });
}

sub stop
{
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;
	eval { $self->send('DELETE', "/session/$self->{session}") } if $self->{session};
	kill 'TERM', -$pid;
	waitpid $pid, 0;
	return;
}

sub DESTROY
{
	my ($self) = @_;
	local ($?, $@, $!);
	$self->stop;
	return;
}

1;
