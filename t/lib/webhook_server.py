"""A receiver of webhooks for tests, which checks signatures with code of its own.

Usage: webhook_server.py FOLDER SECRET

Prints its port.  FOLDER/mails gets a line of JSON for each request.
FOLDER/mode, if it exists, holds the status of the next answers, and perhaps
the value of Retry-After; "drop" hangs up instead.
"""
import base64
import fcntl
import hashlib
import hmac
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

folder, secret = sys.argv[1:]
key = base64.b64decode(secret.removeprefix('whsec_'))


def mode():
    try:
        with open(os.path.join(folder, 'mode')) as file:
            return file.read().split()
    except FileNotFoundError:
        return []


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def is_signed(self, body):
        content = b'.'.join([self.headers['webhook-id'].encode(), self.headers['webhook-timestamp'].encode(), body])
        expected = 'v1,' + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        return any(hmac.compare_digest(expected, given) for given in self.headers['webhook-signature'].split(' '))

    def do_POST(self):
        body = self.rfile.read(int(self.headers['content-length']))
        wanted = mode() or ['200']
        with open(os.path.join(folder, 'mails'), 'a') as file:
            # until it is closed, which writes it: the test reads whole lines, and empties the file
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(json.dumps({
                'id': self.headers['webhook-id'], 'timestamp': self.headers['webhook-timestamp'],
                'signatures': self.headers['webhook-signature'].split(' '), 'signed': self.is_signed(body),
                'type': self.headers['content-type'], 'path': self.path, 'body': json.loads(body),
                'status': wanted[0]}) + '\n')
        if wanted[0] == 'drop':
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(int(wanted[0]))
        if len(wanted) > 1:
            self.send_header('Retry-After', wanted[1])
        if wanted[0].startswith('3'):
            self.send_header('Location', '/elsewhere')
        self.send_header('Content-Length', '0')
        self.end_headers()

    def do_GET(self):
        self.do_POST()

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
