"""moto's S3 server on this machine, with faults: errors, cut connections, slow bytes, refused keys."""

import contextlib
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

BUCKET, KEY, SECRET = "pictures", "right", "secret"
XML = "<Error><Code>{code}</Code><Message>{code}</Message></Error>"


class Store:
    """A running store. ``faults`` are taken from the front, one for each request of an object's content.

    A fault is "503", "cut" (half of the bytes, then the end of the connection), "slow" (bytes in eight parts with
    pauses), "stalled" (half of the bytes, then silence until ``released``) or "" (none); "503*" stays.
    """

    def __init__(self) -> None:
        self.port = 0
        self.faults: list[str] = []
        self.asked: list[tuple[str, str, str]] = []  # object, fault, range
        self.check_keys = False
        self.released = threading.Event()
        self._lock = threading.Lock()

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self, key: str = KEY) -> dict[str, str]:
        return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_ENDPOINT_URL": self.http,
                "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1"}  # fmt: skip

    def fault(self, environ: dict[str, Any]) -> str:
        with self._lock:
            if environ["REQUEST_METHOD"] != "GET" or environ["PATH_INFO"].count("/") < 2:
                return ""
            fault = "" if not self.faults else self.faults[0] if self.faults[0].endswith("*") else self.faults.pop(0)
            self.asked.append((environ["PATH_INFO"].rpartition("/")[2], fault, environ.get("HTTP_RANGE", "")))
            return fault.rstrip("*")


class _Faulty:
    """The application of the server, with the faults of a store."""

    def __init__(self, app: Any, store: Store) -> None:
        self.app, self.store = app, store

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if self.store.check_keys and f"Credential={KEY}/" not in environ.get("HTTP_AUTHORIZATION", ""):
            return _refused(start, "403 Forbidden", "InvalidAccessKeyId")
        fault = self.store.fault(environ)
        if fault == "503":
            return _refused(start, "503 Service Unavailable", "SlowDown")
        answer = self.app(environ, start)
        return answer if not fault else _broken(b"".join(answer), fault, self.store)


def _refused(start: Any, status: str, code: str) -> list[bytes]:
    body = XML.format(code=code).encode()
    start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]


def _broken(body: bytes, fault: str, store: Store) -> Iterator[bytes]:
    """The content with its fault; the length in the header stays that of the whole."""
    if fault == "slow":
        step = max(1, len(body) // 8)
        for at in range(0, len(body), step):
            yield body[at : at + step]
            time.sleep(0.05)
        return
    yield body[: len(body) // 2]
    if fault == "stalled":
        store.released.wait(60)
    raise ConnectionAbortedError  # werkzeug closes the connection without a traceback


@contextlib.contextmanager
def serving() -> Iterator[Store]:
    """A running store with an empty bucket."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, *given: Any) -> None:
            pass

    store = Store()
    app = _Faulty(DomainDispatcherApplication(create_backend_app), store)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    server.daemon_threads = True
    store.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        boto3_client(store).create_bucket(Bucket=BUCKET, ACL="public-read")
        yield store
    finally:
        store.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def upload(store: Store, folder: Path, prefix: str = "horses") -> None:
    """Copies the files of a folder into the bucket."""
    client = boto3_client(store)
    for file in folder.iterdir():
        client.put_object(Bucket=BUCKET, Key=f"{prefix}/{file.name}", Body=file.read_bytes(), ACL="public-read")


def boto3_client(store: Store) -> Any:
    """Another client of the same store."""
    import boto3

    return boto3.client(
        "s3", endpoint_url=store.http, region_name="us-east-1", aws_access_key_id=KEY, aws_secret_access_key=SECRET
    )
