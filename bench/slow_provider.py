"""An OAuth provider that takes two seconds to exchange a code, and browsers that wait for it.

slow_provider.py serve               prints the port that it listens on
slow_provider.py sign-in PORT COUNT  keeps COUNT callbacks of the gateway at PORT under way, until it is ended
"""
import asyncio
import itertools
import json
import re
import sys

DELAY = 2  # seconds
numbers = itertools.count()


async def serve_client(reader, writer):
    """One request: POST /token, after a while, or GET /userinfo, a new account each time."""
    head = await reader.readuntil(b'\r\n\r\n')
    if head.startswith(b'POST'):
        await reader.readexactly(int(re.search(rb'(?i)content-length: *(\d+)', head)[1]))
        await asyncio.sleep(DELAY)
        answer = {'access_token': 'an-access-token', 'token_type': 'bearer'}
    else:
        number = next(numbers)
        answer = {'id': str(number), 'email': f'callback{number}@example.com', 'name': 'Ada Lovelace'}
    body = json.dumps(answer).encode()
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n'
                 b'Content-Length: %d\r\n\r\n' % len(body) + body)
    await writer.drain()
    writer.close()


async def serve():
    server = await asyncio.start_server(serve_client, '127.0.0.1', 0, backlog=100)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def get(port, path, cookie=''):
    """The answer of the gateway: all of it, as text."""
    reader, writer = await asyncio.open_connection('127.0.0.1', port)
    writer.write(f'GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nCookie: {cookie}\r\n\r\n'.encode())
    answer = (await reader.read()).decode()
    writer.close()
    return answer


async def browser(port, delay):
    await asyncio.sleep(delay)
    while True:
        answer = await get(port, '/auth/oauth/slow/authorize?mode=json')
        cookie = re.search('(?im)^set-cookie: ([^;]*)', answer)[1]
        state = re.search('[?&]state=([^&\r]*)', answer)[1]
        answer = await get(port, f'/auth/oauth/slow/callback?code=a-code&state={state}', cookie)
        if not answer.startswith('HTTP/1.1 200'):
            sys.exit(f'a callback failed: {answer}')


async def sign_in(port, count):
    await asyncio.gather(*(browser(port, DELAY * i / count) for i in range(count)))


if sys.argv[1] == 'serve':
    asyncio.run(serve())
else:
    asyncio.run(sign_in(int(sys.argv[2]), int(sys.argv[3])))
