"""Serves an archive over HTTP on this machine, correctly or with faults."""

import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FILE = "cifar-10-python.tar.gz"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests += 1
        self.server.answer(self)

    def log_message(self, *words):
        pass

    def head(self, length=None, kind="application/gzip", **headers):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        for name, value in {"Content-Length": length, **headers}.items():
            if value is not None:
                self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def send(self, content, length=None):
        self.head(len(content) if length is None else length)
        self.wfile.write(content)
        self.wfile.flush()


class Server(ThreadingHTTPServer):
    """Serves an archive through ``answer``."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, body):
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.answer, self.release, self.requests = body, whole, threading.Event(), 0
        self.address = f"http://127.0.0.1:{self.server_port}/{FILE}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def handle_error(self, request, client_address):
        """Ignores closed connections: torchvision closes one after looking for a redirection."""


def whole(request):
    request.send(request.server.body)


def truncated(request):
    request.send(request.server.body[:-100])


def another(request):
    request.send(request.server.body[:-1000] + bytes(1000))


def page(request):
    request.head(22, "text/html")
    request.wfile.write(b"<html>Log in</html>\r\n\r\n")


def missing(request):
    request.send_error(404)


def cut(request):
    body = request.server.body
    request.send(body[: len(body) // 2], len(body))


def cut_chunk(request):
    request.head(Transfer_Encoding="chunked")
    request.wfile.write(b"fffff\r\n" + request.server.body[:100_000])


def reset(request):
    cut(request)
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.connection.close()


def no_http(request):
    request.wfile.write(b"220 mail.example ready\r\n")


def silent(request):
    request.server.release.wait(60)


def stalled(request):
    cut(request)
    request.server.release.wait(60)


def in_time(request):
    """Waits for the test, then sends."""
    request.server.release.wait(60)
    whole(request)
