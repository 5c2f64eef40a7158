# The courier: mail by a real SMTP server that misbehaves on demand, webhooks to a
# receiver that fails, and a database that goes away.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(start_node);
use Courier qw(poll run_courier start_server);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = start_node('courier', preload => 'authfort', conf => <<'CONF', sql => <<'SQL');
authfort.site_url = 'https://app.example.com'
authfort.notify_events = on
log_statement = all
CONF
CREATE ROLE courier LOGIN IN ROLE authfort_courier;
CREATE FUNCTION public.request(method text, path text, body json) RETURNS integer LANGUAGE sql AS
	$$ SELECT status FROM authfort.http(method, path, NULL, '{"content-type": "application/json"}', body::text) $$;
CREATE FUNCTION public.reset(who text) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM authfort.users WHERE email = who || '@example.com') THEN
		PERFORM authfort.create_user(who || '@example.com', 'first password', 'Ada <b>"Lovelace"</b>');
	END IF;
	RETURN public.request('POST', '/auth/forgot-password', json_build_object('email', who || '@example.com'));
END $$;
SQL
my $folder = $node->basedir . '/servers';
mkdir $folder;
my $smtp = start_server('smtp_server', "$folder/smtp");
my @from = ('--from', 'Example <no-reply@example.com>');
my @smtp = ('--smtp-url', "smtp://127.0.0.1:$smtp->{port}", @from);

# Everything that the courier has written, to be searched for secrets at the end.
my $written = '';
my @secrets;

sub sql { return $node->safe_psql('app', $_[0]); }

sub once
{
	my ($status, $out, $err) = run_courier($node, '--once', @_);
	$written .= $out . $err;
	return ($status, $out, $err);
}

# One password reset for each, in an empty outbox.
sub queue
{
	sql('DELETE FROM authfort.outbox; DELETE FROM authfort.events');
	sql("SELECT public.reset('$_')") foreach @_;
	is(sql('SELECT count(*) FROM authfort.outbox'), scalar(@_), 'messages wait: ' . join(' ', @_));
	return;
}

sub make_due { return sql('UPDATE authfort.outbox SET not_before = now()'); }

sub failures { return sql(q{SELECT string_agg(payload->>'reason', ', ' ORDER BY id) FROM authfort.events }
	. q{WHERE event = 'message_failed'}); }

sub waiting { return sql('SELECT count(*) FROM authfort.outbox'); }

sub write_file
{
	my ($name, $text) = @_;
	open my $out, '>', "$folder/$name" or die "$name: $!";
	print $out $text;
	close $out;
	return "$folder/$name";
}

# Mail, as it arrives
queue('ada');
my $id = sql('SELECT id FROM authfort.outbox');
my ($status, $out, $err) = run_courier($node, '--dry-run', @smtp);
is($status . $err, '0', 'a dry run succeeds');
like($out, qr/^To: ada\@example\.com\nSubject: Set a new password\n\n.*^\[link\]$/ms,
	'it shows the mail, but not the link');
unlike($out, qr/app\.example\.com/, 'nor a part of it');
is(sql('SELECT attempts, taken_at, not_before FROM authfort.outbox'), '0||', 'and changes nothing');

($status, $out, $err) = once(@smtp);
is($status . $err, '0', 'the message is sent');
like($out, qr/^\S+Z \Q$id\E password_reset smtp sent attempt 1 \d+ ms: 250 2\.0\.0$/m, 'which is logged');
is(waiting(), 0, 'and reported');
my ($mail) = $smtp->received;
is_deeply([ @$mail{qw(from type)}, @{ $mail->{to} } ],
	[ 'no-reply@example.com', 'multipart/alternative', 'ada@example.com' ],
	'its envelope and type');
is_deeply([ @{ $mail->{headers} }{qw(from to subject message-id auto-submitted)} ],
	[ 'Example <no-reply@example.com>', 'ada@example.com', 'Set a new password', "<$id\@example.com>",
		'auto-generated' ], 'its headers');
like($mail->{headers}{date}, qr/^\w{3}, \d\d? \w{3} \d{4} \d\d:\d\d:\d\d \+0000$/, 'its date');
my ($token) = $mail->{text} =~ m{^https://app\.example\.com/reset-password#token=(\S{43})\r?$}m;
ok($token, 'the text has the link on a line of its own');
push @secrets, $token;
like($mail->{html}, qr{<html\ lang="en">.*<title>Set\ a\ new\ password</title>.*
	<a\ href="https://app\.example\.com/reset-password[#]token=\Q$token\E"\ style="[^"]+">Set\ a\ new\ password</a>}sx,
	'so has the HTML');
unlike($mail->{html}, qr/<(?:img|link|script|iframe|style)|url\(|src=/i, 'which loads nothing');
unlike($mail->{raw}, qr/Lovelace/, 'no mail shows a name that a stranger may have chosen');
is(sql("SELECT authfort.reset_password('$token', 'second password')->>'ok'"), 'true', 'the token works');

# Refusals of one message, and of its repetition
queue(qw(reject refused quote));
($status, $out) = once(@smtp, '--concurrency=1');
is($status, 0, 'messages that are refused for good are done with');
is(failures(), '550 5.1.1 at RCPT TO, 554 5.6.0 at the end of the mail, 554 5.7.1 at the end of the mail',
	'each is an event');
is(waiting(), 0, 'and deleted');
is(scalar(my @none = $smtp->received), 0, 'none was kept');

sql(<<'SQL');
CREATE FUNCTION public.refuse(event jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE E'no\nforged'; END $$;
SELECT authfort.on('message_failed', 'public.refuse(jsonb)');
SQL
queue(qw(reject ada));
($status, $out, $err) = once(@smtp, '--concurrency=1');
is($status . waiting() . scalar(@none = $smtp->received), '011',
	'an event handler that refuses the event stops no other message');
like($err, qr/PostgreSQL: P0001: no\?forged$/m, 'its error is logged, on one line');
sql(q{SELECT authfort.off('message_failed', 'public.refuse(jsonb)')});

queue(qw(ada bob));
sql('CREATE TABLE public.mails (id uuid REFERENCES authfort.outbox); '
	. 'INSERT INTO public.mails SELECT id FROM authfort.outbox ORDER BY id LIMIT 1');
($status, $out, $err) = once(@smtp, '--concurrency=1');
is($status . waiting() . scalar(@none = $smtp->received), '012',
	'a message that a foreign key of the application keeps stops no other message');
like($err, qr/PostgreSQL: 23503: /, 'the foreign key is logged');
once(@smtp);
is(sql("SELECT attempts, not_before > now() + '6 days' FROM authfort.outbox"), '1|t', 'it is not sent again');
sql('DROP TABLE public.mails');

queue(qw(defer later ada));
once(@smtp, '--retry-min=3600', '--retry-max=3600');
is(scalar(my @others = $smtp->received), 1, 'messages that are deferred do not stop others');
is(sql('SELECT count(*), min(not_before - now()) > interval \'50 min\', max(not_before - now()) < interval \'75 min\' '
	. 'FROM authfort.outbox'), '2|t|t', 'they wait for the next attempt');
sql('UPDATE authfort.outbox SET attempts = 5, not_before = now()');
$smtp->set_mode('mail-size');
once(@smtp, '--retry-max=100');
is(failures(), '552 5.3.4 at MAIL FROM, 552 5.3.4 at MAIL FROM', 'a mail that is too large fails alone');
$smtp->set_mode('');

queue(qw(hang ada));
my $begun = time;
once(@smtp, '--send-timeout=10', '--concurrency=2');
cmp_ok(time - $begun, '<', 100, 'a server that does not answer is not waited for');
is(scalar(@others = $smtp->received), 1, 'nor does it hold up other messages');
is(sql(q{SELECT string_agg(split_part(u.email, '@', 1), ' ') FROM authfort.outbox o JOIN authfort.users u }
	. q{ON u.id = o.user_id}), 'hang', 'its own waits');

queue('cut');
once(@smtp);
is(waiting(), 1, 'a mail that may have arrived is sent again');
make_due();
once(@smtp);
my @twice = $smtp->received;
is(join(' ', map { $_->{headers}{'message-id'} } @twice), join(' ', ($twice[0]{headers}{'message-id'}) x 2),
	'as the same message');

# Refusals of all messages: none is lost, and the server is left alone for a while
foreach my $case ([ greeting => '^connecting: |^554' ], [ mail => '550 5\.7\.1 at MAIL FROM' ])
{
	my ($mode, $reason) = @$case;
	queue(qw(ada reject));
	$smtp->set_mode($mode);
	($status, $out, $err) = once(@smtp, '--concurrency=1');
	is($status, 1, "refused at $mode: the exit status says so");
	like($err, qr/^authfort-courier: smtp pauses for \d+ s: /m, 'the pause is logged');
	is(failures() . waiting(), 2, 'no message is given up');
	$smtp->set_mode('');
	make_due();
	($status) = once(@smtp);
	is($status . waiting(), '00', 'later they are delivered');
	$smtp->received;
}
{
	queue('ada');
	($status, $out, $err) = once('--smtp-url', 'smtp://127.0.0.1:1', @from);
	like($status . $err, qr/^1.*smtp pauses for \d+ s: connecting: /s, 'a server that is not there');
	is(waiting(), 1, 'the message waits');
}

# TLS and logins
my $password = write_file('password', "planted-Smtp-1\n");
my $wrong = write_file('wrong', "planted-Smtp-2\n");
push @secrets, 'planted-Smtp-1', 'planted-Smtp-2';
my $key = 'openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj';
foreach my $kind (qw(starttls smtps))
{
	mkdir "$folder/$kind";
	system("$key /CN=localhost -addext subjectAltName=DNS:localhost -keyout $folder/$kind/server.key -out "
		. "$folder/$kind/server.crt 2>/dev/null") == 0
	  or die 'openssl';
	my $tls = start_server('smtp_server', "$folder/$kind", '--tls', $kind, '--auth', 'mailer:planted-Smtp-1');
	my @server = ('--smtp-url', ($kind eq 'smtps' ? 'smtps' : 'smtp') . "://localhost:$tls->{port}", '--smtp-tls=on',
		@from, '--smtp-user=mailer');
	my @ca = ("--ca-file=$folder/$kind/server.crt");
	queue(qw(ada bob));
	($status, $out, $err) = once(@server, "--smtp-password-file=$password");
	is($status . waiting(), 12, "$kind: a server whose certificate is not trusted gets no message");
	like($err, qr/certificate/, 'as the log says');
	make_due();
	($status, $out, $err) = once(@server, @ca, "--smtp-password-file=$wrong");
	is($status . failures() . waiting(), 12, "$kind: a wrong password does not destroy the queue");
	like($err, qr/pauses for \d+ s: 535 5\.7\.8 at AUTH/, 'as the log says');
	make_due();
	$tls->set_mode('starttls');
	($status) = once(@server, @ca, "--smtp-password-file=$password");
	is($status . waiting(), $kind eq 'smtps' ? '00' : 12, "$kind: without TLS nothing is sent");
	$tls->set_mode('');
	make_due();
	($status) = once(@server, @ca, "--smtp-password-file=$password") if $kind eq 'starttls';
	is($status . waiting(), '00', "$kind: with certificate and password");
	my @mails = $tls->received;
	is(join(' ', map { "$_->{tls} $_->{user}" } @mails), '1 mailer 1 mailer', 'over TLS, as the user');
	$tls->stop;
}
my ($bare) = start_server('smtp_server', "$folder/bare");
queue('reject');
($status, $out, $err) = once('--smtp-url', "smtp://127.0.0.1:$bare->{port}", @from, '--smtp-user=mailer',
	"--smtp-password-file=$password");
is($status . failures() . waiting(), 11,
	'a recipient that is refused to a sender who could not log in is not given up');
$bare->stop;

# What must not be configured
foreach my $case (
	[ '--smtp-url or --webhook-url must be set' ],
	[ '--smtp-tls=off is for', '--smtp-url=smtp://mail.example.com', '--smtp-tls=off', @from ],
	[ '--smtp-tls=off is for', '--smtp-url=smtp://127.example.com', '--smtp-tls=off', @from ],
	[ 'must be https', '--webhook-url=http://localhost.example.com/' ],
	[ 'must not contain a user', '--smtp-url=smtp://a:planted-Smtp-2@mail.example.com', @from ],
	[ 'must be a URL', '--smtp-url=http://mail.example.com', @from ],
	[ '--from must be', '--smtp-url=smtp://mail.example.com', "--from=x\n <a\@example.com>" ],
	[ '--from must be', '--smtp-url=smtp://mail.example.com', '--from=x <a@example.com> <b@example.com>' ],
	[ 'must be set together', '--smtp-url=smtp://mail.example.com', @from, '--smtp-user=x' ],
	[ 'must be https', '--webhook-url=http://hooks.example.com/' ],
	[ 'needs --webhook-secret-file', '--webhook-url=https://hooks.example.com/' ],
	[ 'whsec_', '--webhook-url=https://hooks.example.com/', "--webhook-secret-file=$password" ],
	[ 'names separated by commas', '--smtp-url=smtp://mail.example.com', @from, '--webhook-kinds=a,,b' ],
	[ 'names separated by commas', '--smtp-url=smtp://mail.example.com', @from, '--webhook-kinds=a,' ],
	[ 'names separated by commas', '--smtp-url=smtp://mail.example.com', @from, '--webhook-kinds={}' ],
	[ 'must be a number', '--smtp-url=smtp://mail.example.com', @from, '--concurrency=0' ])
{
	my ($message, @options) = @$case;
	($status, $out, $err) = once(@options);
	is($status, 2, "refused: @{[ map { s/\n/ /gr } @options ]}");
	like($err, qr/\Q$message\E/, 'with the reason');
	unlike($err, qr/planted/, 'and no secret');
}

# Values that are meant to break out
sql(<<'SQL');
INSERT INTO authfort.message_templates (kind, subject, text, html) VALUES
	('password_reset', 'Hello {{name}}', E'Dear {{name}},\n.\n{{link}}\n', '<p title="{{name}}">{{name}}</p>');
SQL
foreach my $name ("x\r\nBcc: evil\@example.com\r\n\r\nbody", "x\nSubject: other", "=?UTF-8?Q?=0D=0ABcc:_evil?=",
	"\x{2028}Bcc: x", "\x{202e}moc.elpmaxe", 'x' x 200,
	"\"><script>alert(1)</script>'`&amp;", "\x{1f600}" x 60)
{
	my $quoted = $name =~ s/'/''/gr;
	utf8::encode($quoted) if utf8::is_utf8($quoted);
	queue('mallory');
	sql('DELETE FROM authfort.outbox; DELETE FROM authfort.events');
	sql("UPDATE authfort.users SET name = E'" . ($quoted =~ s/\r/\\r/gr =~ s/\n/\\n/gr)
		. "' WHERE email = 'mallory\@example.com'");
	sql("SELECT public.reset('mallory')");
	($status) = once(@smtp);
	($mail) = $smtp->received;
	my $shown = $name =~ s/[\r\n\x{2028}\x{202e}]/ /gr;
	utf8::decode(my $text = $mail->{text});
	is($status . join(' ', sort @{ $mail->{names} }),
		'0auto-submitted content-type date from message-id mime-version subject to x-auto-response-suppress',
		'no value adds a header');
	is($mail->{headers}{subject} =~ s/\s+/ /gr, "Hello $shown" =~ s/\s+/ /gr =~ s/ $//r, 'the subject has the value');
	like($mail->{text}, qr/^Dear \Q$shown\E,\r?$/m, 'the text too');
	like($mail->{text}, qr/^\.\r?\n/m, 'also after a dot alone');
	unlike($mail->{html} =~ s{^<p title="}{}r =~ s{">}{}r =~ s{</p>\s*$}{}r, qr/[<>"'`]/,
		'and in the HTML it is escaped');
	ok(!(grep { length > 998 } split /\r?\n/, $mail->{raw}), 'no line is too long');
}
sql('DELETE FROM authfort.message_templates');


# Templates: of the locale, without HTML, invalid, and for kinds of an application
sql(<<'SQL');
INSERT INTO authfort.message_templates (kind, locale, subject, text) VALUES
	('password_reset', 'de', 'Neues Passwort für {{app}}', E'{{link}}\n\nGültig bis {{expires_at}}.\n');
SQL
queue('ada');
sql("UPDATE authfort.outbox SET kind = 'password_reset'; UPDATE authfort.users SET locale = 'de-AT' "
	. "WHERE email = 'ada\@example.com'; DELETE FROM authfort.outbox");
queue('ada');
once(@smtp, '--app=Ärger & Co');
($mail) = $smtp->received;
utf8::encode(my $subject = $mail->{headers}{subject});
is($subject, 'Neues Passwort für Ärger & Co', "the template of the user's locale, and the name of the application");
like($mail->{text}, qr/^G\x{fc}ltig bis \d{4}-\d\d-\d\d \d\d:\d\d UTC\.\r?$/m, 'with a time to the minute');
like($mail->{html}, qr{<html lang="de-AT">.*<a href="(https://[^"]+)" style="[^"]+">\1</a>}s,
	'HTML is made of the text');
sql("DELETE FROM authfort.message_templates; UPDATE authfort.users SET locale = NULL");

queue(qw(ada bob));
sql("UPDATE authfort.outbox SET kind = 'invoice' WHERE id = (SELECT min(id::text)::uuid FROM authfort.outbox)");
($status, $out) = once(@smtp);
is($status . waiting() . scalar(@none = $smtp->received), '011',
	'a message without a template waits, and stops no other');
like($out, qr/ invoice smtp deferred attempt 1 \d+ ms: no template for this kind of message$/m, 'as the log says');
sql('ALTER TABLE authfort.message_templates DISABLE TRIGGER USER');
sql("INSERT INTO authfort.message_templates (kind, subject, text) VALUES ('invoice', 'x', '{{#a}}')");
sql('ALTER TABLE authfort.message_templates ENABLE ALWAYS TRIGGER check_message_template');
make_due();
($status, $out) = once(@smtp);
like($out, qr/ deferred attempt 2 \d+ ms: the template is invalid$/m,
	'so does one whose template was stored without the check');
sql("DELETE FROM authfort.message_templates");

# Each kind of message of authfort, with a link, with a token, and without either
my ($source) = slurp_file('courier/default_templates.c') =~ /templates\[\] = \{(.*)/s;
my @kinds = $source =~ /^\t\{"(\w+)", "/mg;
cmp_ok(scalar(@kinds), '>', 10, 'there are templates');
foreach my $url ('https://app.example.com', '')
{
	sql("ALTER DATABASE app SET authfort.site_url = '$url'");
	foreach my $kind (@kinds)
	{
		queue('kind');
		sql("UPDATE authfort.outbox SET kind = '$kind'");
		($status) = once(@smtp);
		($mail) = $smtp->received;
		is($status . $mail->{to}[0], '0kind@example.com', "$kind is sent");
		unlike("$mail->{headers}{subject} $mail->{text} $mail->{html}", qr/[{}]|\bnull\b/, 'with all places filled');
		like($mail->{text}, $url ? qr/#token=\S{43}\r?$/m : qr/^\S{43}\r?$/m, 'and what the user needs')
		  if $kind =~ /^(email_verification|magic_link|password_reset|email_change|email_changed|invitation)$/;
		push @secrets, $mail->{text} =~ /(?:#token=|^)(\S{43})\r?$/m;
	}
}
sql("ALTER DATABASE app RESET authfort.site_url");

# A message that cannot be opened
queue(qw(ada bob));
sql(q{UPDATE authfort.outbox SET message = '\x01' WHERE id = (SELECT min(id::text)::uuid FROM authfort.outbox)});
($status, $out, $err) = once(@smtp);
is($status . waiting() . scalar(@none = $smtp->received), '011', 'a poisoned message stops no other');
like($err, qr/PostgreSQL: WARNING: the sealed message \S+ is not in a form that this version knows/, 'and is reported');

# Webhooks
my ($old_secret, $new_secret) = map { 'whsec_' . `openssl rand -base64 32` =~ s/\s//gr } 1 .. 2;
push @secrets, map { s/^whsec_//r } $old_secret, $new_secret;
my $hook = start_server('webhook_server', "$folder/hook", $new_secret);
my @hook = ('--webhook-url', "http://127.0.0.1:$hook->{port}/hook", '--webhook-secret-file',
	write_file('secrets', "$old_secret\n$new_secret\n"));
queue('ada');
$id = sql('SELECT id FROM authfort.outbox');
foreach my $case ([ 500 => 'deferred' ], [ 302 => 'deferred' ], [ 'drop' => 'deferred' ], [ 404 => 'deferred' ],
	[ 204 => 'sent' ])
{
	my ($answer, $outcome) = @$case;
	$hook->set_mode($answer);
	($status, $out) = once(@hook);
	like($out, qr/ \Q$id\E password_reset webhook $outcome /, "an answer $answer: the message is $outcome");
	make_due();
	sleep 1;
}
is(waiting(), 0, 'in the end it is done with');
my @requests = $hook->received;
is(join(' ', map { $_->{status} } @requests), '500 302 drop 404 204', 'no redirect is followed');
is_deeply([ map { $_->{id} } @requests ], [ ($id) x 5 ], 'the id stays the same');
my %times = map { $_->{timestamp} => 1 } @requests;
cmp_ok(scalar(keys %times), '>', 3, 'the timestamp does not');
is_deeply([ map { $_->{signed} ? 1 : 0 } @requests ], [ (1) x 5 ], 'each is signed with the new secret');
is_deeply([ map { scalar @{ $_->{signatures} } } @requests ], [ (2) x 5 ], 'and with the old one');
my $body = $requests[0]{body};
is($body->{type} . ' ' . $body->{data}{email}, 'password_reset ada@example.com', 'the message');
like($body->{data}{token}, qr/^\S{43}$/, 'with its token');
like($body->{timestamp}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'with its time');
is($body->{rendered}{subject}, 'Set a new password', 'and as the template has it');
push @secrets, $body->{data}{token};

queue('ada');
$hook->set_mode('410');
($status) = once(@hook);
is($status . failures() . waiting(), '0status 4100', '410 is final, and an event');
foreach my $answer ('429 3600', '503 3600')
{
	queue('ada');
	$hook->set_mode($answer);
	($status, $out, $err) = once(@hook);
	is($status . sql(q{SELECT not_before - now() > interval '59 minutes' FROM authfort.outbox}), '1t',
		"Retry-After of $answer is kept");
	like($err, qr/webhook pauses for 3600 s: status \d+$/m, 'for all messages');
}
$hook->set_mode('200');
$hook->received;
queue(qw(ada bob));
sql("UPDATE authfort.outbox SET kind = 'sms_code' WHERE id = (SELECT min(id::text)::uuid FROM authfort.outbox)");
once(@hook, @smtp, '--webhook-kinds=sms_code,other');
@requests = $hook->received;
my @mails = $smtp->received;
is(join(' ', map { $_->{body}{type} } @requests) . '/' . join(' ', map { @{ $_->{to} } } @mails),
	'sms_code/bob@example.com', 'kinds are chosen by flags');
ok(!exists $requests[0]{body}{rendered}, 'a webhook needs no template');
queue(qw(ada bob));
sql("UPDATE authfort.outbox SET kind = 'sms_code' WHERE id = (SELECT min(id::text)::uuid FROM authfort.outbox)");
$hook->set_mode('429 3600');
once(@hook, @smtp, '--webhook-kinds=sms_code');
is(scalar(@mails = $smtp->received), 1, 'mail goes on while the webhook pauses');
$hook->set_mode('200');
$hook->received;
queue(qw(ada bob));
sql("UPDATE authfort.outbox SET kind = 'sms_code' WHERE id = (SELECT min(id::text)::uuid FROM authfort.outbox)");
once(@smtp, '--webhook-kinds=sms_code');
is(waiting(), 1, 'a courier that only mails leaves the kinds that are posted');
once(@hook, '--webhook-kinds=other');
is(waiting(), 1, 'one that only posts leaves the others');
once(@hook, '--webhook-kinds=other,sms_code');
is(join(' ', map { $_->{body}{type} } $hook->received), 'sms_code', 'and posts its own');
$smtp->received;

# As a service
$hook->set_mode('200');
queue();
my $courier = Courier->new('service', $node, @smtp, '--poll-interval=600', '--retry-min=1');
poll('the courier listens', sub { sql(q{SELECT count(*) FROM pg_stat_activity WHERE usename = 'courier' }
	. q{AND state = 'idle'}) == 1 });
$begun = time;
sql(q{SELECT public.reset('bob')});
poll('the message arrives', sub { $smtp->count == 1 });
cmp_ok(time - $begun, '<', 300, 'a message that is announced does not wait for the next look');
$smtp->received;
is($courier->stop, 0, 'it ends on SIGTERM');
$written .= $courier->output;

$courier = Courier->new('service', $node, @smtp, '--retry-min=1', '--concurrency=2');
sql(q{SELECT public.reset('defer3')});
$smtp->received;
$node->stop;
poll('the courier notices that the database is gone', sub { $courier->output =~ /no connection to PostgreSQL/ });
$node->start;
sql('DELETE FROM authfort.events');
sql(q{SELECT public.reset('cat')});
poll('it comes back', sub { grep { $_->{to}[0] eq 'cat@example.com' } $smtp->received });
queue('slow');
poll('a mail is being sent', sub { sql('SELECT count(*) FROM authfort.outbox WHERE taken_at IS NOT NULL') });
is($courier->stop, 0, 'SIGTERM while a mail is being sent');
# the first message may have come late
is(scalar(grep { $_->{to}[0] eq 'slow@example.com' } $smtp->received) . waiting(), 10, 'finishes it, and reports it');
$written .= $courier->output;

# one that never gets an answer
queue('hang');
$courier = Courier->new('service', $node, @smtp, '--shutdown-timeout=1');
poll('the server does not answer', sub { sql('SELECT count(*) FROM authfort.outbox WHERE taken_at IS NOT NULL') });
$begun = time;
is($courier->stop, 0, 'SIGTERM while a server does not answer');
cmp_ok(time - $begun, '<', 55, 'ends it in time');
is(sql('SELECT not_before <= now() FROM authfort.outbox'), 't', 'the message is due for another courier');
$written .= $courier->output;

# a pause of its own accord, and its end
queue('ada');
$smtp->set_mode('greeting');
$courier = Courier->new('service', $node, @smtp, '--retry-min=1', '--retry-max=2');
poll('the pause', sub { $courier->output =~ /smtp pauses.*smtp pauses/s });
$smtp->set_mode('');
poll('the end of the pause', sub { $courier->output =~ /smtp works again/ && waiting() == 0 });
is($courier->stop, 0, 'it delivers without help once the server works again');
$smtp->received;
$written .= $courier->output;

# several couriers; one alone could deliver the first messages before the other has started
sql('DELETE FROM authfort.outbox; DELETE FROM authfort.events');
my @couriers = map { Courier->new("one_of_two_$_", $node, @smtp, '--concurrency=4') } 1 .. 2;
my $sent = 0;
poll('both have had work', sub {
	sql(qq{SELECT count(public.reset('user' || $sent + n)) FROM generate_series(1, 200) AS n});
	$sent += 200;
	poll('all are sent', sub { waiting() == 0 });
	return !grep { $_->output !~ / sent / } @couriers;
});
$_->stop foreach @couriers;
$written .= $_->output foreach @couriers;
my %count;
$count{ $_->{to}[0] }++ foreach $smtp->received;
is(scalar(keys %count), $sent, 'two couriers deliver every message');
is_deeply([ grep { $count{$_} != 1 } keys %count ], [], 'each once');

# Secrets
push @secrets, 'app.example.com/reset';
cmp_ok(scalar(@secrets), '>', 10, 'secrets were collected');
my $log = slurp_file($node->logfile);
is_deeply([ grep { $written =~ /\Q$_\E/ } @secrets ], [], 'the courier has logged no secret');
is_deeply([ grep { $log =~ /\Q$_\E/ } @secrets ], [], 'nor has PostgreSQL');
is_deeply([ grep { $written =~ /\Q$_\E/ } qw(ada@example bob@example first) ], [], 'nor an address');
like($written, qr/password_reset smtp sent/, 'though what it did');

my $manual = slurp_file('courier/authfort-courier.1') =~ s/\\//gr;
is(join(' ', grep { $manual !~ /\Q$_\E/ } join('', qx(./courier/authfort-courier --help)) =~ /^  (--[\w-]+)/mg), '',
	'the manual page has each option');
like(qx(./courier/authfort-courier --version), qr/^authfort-courier \d+\.\d+\.\d+$/, 'it knows its version');

$node->stop;
done_testing();
