"""A tiny Hugging Face Hub on this machine: small files, as ``huggingface_hub`` reads and writes them."""

import base64
import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Repositories, {USER/NAME: {file: content}}; uploaded large files by digest; and the requests so far."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.repos: dict[str, dict[str, bytes]] = {}
        self.large: dict[str, bytes] = {}
        self.private: set[str] = set()
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *given: Any) -> None:
        pass

    def _send(self, status: int, body: Any = b"", **headers: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        """``/USER/NAME/resolve/REVISION/FILE``."""
        self.server.asked.append(f"{self.command} {self.path}")
        if "/resolve/" not in self.path:
            return self._send(401)
        user, name, _, revision, file = self.path.lstrip("/").split("?")[0].split("/", 4)
        if (files := self.server.repos.get(f"{user}/{name}")) is None:
            return self._send(404, X_Error_Code="RepoNotFound")
        if revision not in ("main", "v1", COMMIT):
            return self._send(404, X_Error_Code="RevisionNotFound")
        if file not in files:
            return self._send(404, X_Error_Code="EntryNotFound", X_Repo_Commit=COMMIT)
        tag = hashlib.sha256(files[file]).hexdigest()
        return self._send(200, files[file], ETag=f'"{tag}"', X_Repo_Commit=COMMIT)

    def do_PUT(self) -> None:
        self.server.large[self.path.rpartition("/")[2]] = self._body()
        self._send(200)

    def do_POST(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        body, parts = self._body(), self.path.split("?")[0].strip("/").split("/")
        if self.headers.get("Authorization") != "Bearer hf_right":
            return self._send(401)
        match parts:
            case ["api", "repos", "create"]:
                wanted = json.loads(body)
                repo = f"{wanted.get('organization') or 'me'}/{wanted['name']}"
                if repo in self.server.repos:
                    return self._send(409, {"url": f"{self.server.address}/{repo}"})
                self.server.repos[repo] = {}
                self.server.private |= {repo} if wanted.get("visibility") == "private" else set()
                self._send(200, {"url": f"{self.server.address}/{repo}"})
            case ["api", "validate-yaml"]:
                self._send(200, {"errors": [], "warnings": []})
            case ["api", "models", _, _, "preupload", "main"]:
                sizes = {file["path"]: file["size"] for file in json.loads(body)["files"]}
                modes = [{"path": path, "uploadMode": "lfs" if path.endswith(".safetensors") else "regular",
                          "shouldIgnore": False} for path in sizes]  # fmt: skip
                self._send(200, {"files": modes})
            case [user, name, "info", "lfs", "objects", "batch"]:
                objects = [{**each, "actions": {"upload": {"href": f"{self.server.address}/large/{each['oid']}"}}}
                           for each in json.loads(body)["objects"]]  # fmt: skip
                self._send(200, {"transfer": "basic", "objects": objects})
            case ["api", "models", user, name, "commit", "main"]:
                self._commit(f"{user}/{name}", [json.loads(line) for line in body.splitlines()])
            case _:
                self._send(404)

    def _commit(self, repo: str, lines: list[dict[str, Any]]) -> None:
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                self.server.repos[repo][value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                self.server.repos[repo][value["path"]] = self.server.large[value["oid"]]
        self._send(200, {"commitUrl": f"{self.server.address}/{repo}/commit/{COMMIT}", "commitOid": COMMIT})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            content = b""
            while size := int(self.rfile.readline(), 16):
                content += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return content
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))


@contextlib.contextmanager
def serving() -> Iterator[Hub]:
    """A running hub."""
    with Hub() as hub:
        thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            hub.shutdown()
            thread.join()
