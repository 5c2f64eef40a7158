"""An HTTPS server on loopback that behaves well or badly, as the path says.

usage: https_server.py CERTIFICATE KEY LOG

Prints its port.  Writes a line for each request to LOG: method, path, some headers, body.
The path /gate/NAME is answered once the file LOG.NAME exists.
"""
import os
import socket
import ssl
import sys
import threading
import time

certificate, key, log_name = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
log_lock = threading.Lock()


def log(line):
    with log_lock, open(log_name, "a") as file:
        file.write(line + "\n")


def read_request(stream):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = stream.recv(1)
        if not byte:
            return None
        head += byte
    lines = head.decode("latin-1").split("\r\n")
    method, path, _ = lines[0].split(" ")
    headers = {}
    for line in lines[1:-2]:
        name, value = line.split(":", 1)
        headers[name.lower()] = value.strip()
    body = b""
    while len(body) < int(headers.get("content-length", 0)):
        body += stream.recv(65536)
    return method, path, headers, body.decode()


def answer(stream, status, headers, body):
    lines = [f"HTTP/1.1 {status} Status"] + [f"{n}: {v}" for n, v in headers.items()] + ["", ""]
    stream.sendall("\r\n".join(lines).encode("latin-1") + body)


def send_length(stream, status, body, headers=None):
    answer(stream, status, {"Content-Type": "application/json", "Content-Length": len(body), **(headers or {})}, body)


def forever(stream, piece, pause):
    while True:
        stream.sendall(piece)
        time.sleep(pause)


def serve(stream):
    request = read_request(stream)
    if request is None:
        return
    method, path, headers, body = request
    log("|".join([method, path, headers.get("accept", ""), headers.get("authorization", ""),
                  headers.get("cookie", ""), headers.get("expect", ""), body]))
    name, _, argument = path[1:].partition("?")[0].partition("/")
    if name == "ok":
        send_length(stream, 200, b'{"ok": true}', {"Cache-Control": "max-age=60", "Set-Cookie": "a=b"})
    elif name == "status":
        send_length(stream, int(argument), b'{"error": "invalid_grant"}')
    elif name == "redirect":
        answer(stream, 302, {"Location": "/ok", "Content-Length": 0}, b"")
    elif name == "bytes":
        send_length(stream, 200, b"x" * int(argument))
    elif name == "unannounced":
        answer(stream, 200, {"Connection": "close"}, b"x" * int(argument))
    elif name == "endless":
        answer(stream, 200, {"Connection": "close"}, b"")
        forever(stream, b"x" * 65536, 0)
    elif name == "drip":
        answer(stream, 200, {"Content-Length": 100000}, b"")
        forever(stream, b"x", 0.2)
    elif name == "headers":
        stream.sendall(b"HTTP/1.1 200 OK\r\n")
        forever(stream, b"X-Padding: " + b"x" * 1000 + b"\r\n", 0)
    elif name == "interim":
        forever(stream, b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n", 0)
    elif name == "sleep":
        time.sleep(float(argument))
        send_length(stream, 200, b'{"ok": true}')
    elif name == "gate":
        while not os.path.exists(f"{log_name}.{argument}"):
            time.sleep(0.05)
        send_length(stream, 200, b'{"ok": true}')
    elif name == "nul":
        send_length(stream, 200, b'{"a": "\0"}')
    elif name == "latin1":
        send_length(stream, 200, '{"a": "\xe4"}'.encode("latin-1"))
    elif name == "truncated":
        answer(stream, 200, {"Content-Length": 100}, b"short")
    elif name == "type":
        answer(stream, 200, {"Content-Type": "text/h\xe4tml\x01", "Content-Length": 2}, b"{}")
    elif name == "garbage":
        stream.sendall(b"\x00\xff this is not HTTP\r\n\r\n")
    # "close": nothing at all


def handle(connection):
    try:
        with context.wrap_socket(connection, server_side=True) as stream:
            serve(stream)
    except (OSError, ValueError):
        pass


# for both families, where there are both
listener = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True, backlog=256) \
    if socket.has_dualstack_ipv6() else socket.create_server(("127.0.0.1", 0), backlog=256)
print(listener.getsockname()[1], flush=True)
while True:
    accepted, _ = listener.accept()
    threading.Thread(target=handle, args=(accepted,), daemon=True).start()
