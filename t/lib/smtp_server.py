"""A real mail server for tests, which misbehaves on demand.

Usage: smtp_server.py FOLDER [--tls starttls|smtps] [--auth USER:PASSWORD]

Prints its port.  FOLDER/mails gets a line of JSON for each mail.  FOLDER/mode,
if it exists, holds words: greeting, starttls, mail, mail-size, noauth refuse
there.  The local part of the recipient decides what else happens:

    reject     550 at RCPT                  refused    554 after DATA
    defer      451 at RCPT, once            later      452 after DATA, once
    hang       no answer after DATA         cut        hangs up after DATA, once, with the mail kept
    slow       answers after a second       quote      554 after DATA, with the mail's words
"""
import argparse
import asyncio
import email
import email.policy
import fcntl
import json
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

parser = argparse.ArgumentParser()
parser.add_argument('folder')
parser.add_argument('--tls', choices=['starttls', 'smtps'])
parser.add_argument('--auth')
options = parser.parse_args()


def mode():
    try:
        with open(os.path.join(options.folder, 'mode')) as file:
            return file.read().split()
    except FileNotFoundError:
        return []


def keep(envelope, session, parts):
    with open(os.path.join(options.folder, 'mails'), 'a') as file:
        # until it is closed, which writes it: the test reads whole lines, and empties the file
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(json.dumps(parts) + '\n')


def parts_of(server, envelope, session):
    raw = envelope.original_content
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    bodies = {part.get_content_type(): part.get_content()
              for part in mail.walk() if not part.is_multipart()}
    return {
        'from': envelope.mail_from, 'to': envelope.rcpt_tos, 'raw': raw.decode('latin-1'),
        'names': [name.lower() for name in mail.keys()],
        'type': mail.get_content_type(),
        'headers': {name.lower(): str(value) for name, value in mail.items()},
        'text': bodies.get('text/plain'), 'html': bodies.get('text/html'),
        'tls': server.transport.get_extra_info('sslcontext') is not None,
        'user': session.auth_data.decode() if session.authenticated else None,
        'peer': session.peer[1],
    }


class Handler:
    seen = set()

    def first_time(self, what):
        known = what in self.seen
        self.seen.add(what)
        return not known

    async def handle_MAIL(self, server, session, envelope, address, mail_options):
        if 'mail' in mode():
            return '550 5.7.1 sender refused'
        if 'mail-size' in mode():
            return '552 5.3.4 too large'
        envelope.mail_from = address
        return '250 2.1.0 ok'

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        local = address.split('@')[0]
        if local == 'reject':
            return '550 5.1.1 unknown'
        if local == 'defer' and self.first_time(address):
            return '451 4.7.1 greylisted'
        envelope.rcpt_tos.append(address)
        return '250 2.1.5 ok'

    async def handle_DATA(self, server, session, envelope):
        parts = parts_of(server, envelope, session)
        local = envelope.rcpt_tos[0].split('@')[0]
        if local == 'refused':
            return '554 5.6.0 refused'
        if local == 'quote':
            return '554 5.7.1 spam: ' + ' '.join(parts['text'].split())
        if local == 'later' and self.first_time('later'):
            return '452 4.3.1 later'
        if local == 'hang':
            await asyncio.sleep(3600)
        if local == 'slow':
            await asyncio.sleep(1)
        keep(envelope, session, parts)
        if local == 'cut' and self.first_time('cut'):
            server.transport.abort()
            return '421 gone'
        return '250 2.0.0 kept'


class Server(SMTP):
    async def push(self, status):
        text = status if isinstance(status, str) else status.decode()
        if text.startswith('220 ') and 'TLS' not in text and 'greeting' in mode():
            await super().push('554 5.3.2 not today')
            self.transport.close()
            return
        await super().push(status)

    async def smtp_STARTTLS(self, arg):
        if 'starttls' in mode():
            await self.push('454 4.7.0 no TLS')
            return
        await super().smtp_STARTTLS(arg)


def authenticate(server, session, envelope, mechanism, data):
    if 'noauth' in mode():
        return AuthResult(success=False, handled=False)
    login = getattr(data, 'login', b'').decode() + ':' + getattr(data, 'password', b'').decode()
    session.auth_data = data.login
    return AuthResult(success=login == options.auth, handled=False, auth_data=data.login)


async def main():
    handler = Handler()
    context = None
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(options.folder, 'server.crt'), os.path.join(options.folder, 'server.key'))
    settings = {'enable_SMTPUTF8': True, 'decode_data': False}
    if options.tls == 'starttls':
        settings.update(tls_context=context, require_starttls=True)
    if options.auth:
        settings.update(authenticator=authenticate, auth_required=True,
                        auth_require_tls=options.tls == 'starttls')
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Server(handler, loop=loop, **settings), '127.0.0.1', 0,
                                      ssl=context if options.tls == 'smtps' else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

try:
    asyncio.run(main())
except KeyboardInterrupt:
    sys.exit(0)
