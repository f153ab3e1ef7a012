"""Real receivers on loopback that take, refuse, hang or die: one of mail, one of webhooks."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Mails:
    """What a mail server received, and how it behaves.

    how: take, refuse_address (550), busy (451), spam (554 after the data), hang, die_in_data,
    die_after_data (the mail is taken, its sender is not told), one_a_connection (it hangs up after
    each mail).
    """

    how: str = "take"
    taken: list[EmailMessage] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    release: threading.Event = field(default_factory=threading.Event)


class _Smtp(socketserver.StreamRequestHandler):
    server: Any

    def handle(self) -> None:
        mails: Mails = self.server.mails
        mails.connections += 1
        if mails.how == "hang":
            mails.release.wait(60)
            return
        self._say("220 loopback ESMTP")
        while line := self.rfile.readline():
            word = line.strip().upper().split(b" ")[0].split(b":")[0]
            if word in (b"EHLO", b"HELO"):
                self._say("250 loopback")
            elif word == b"RCPT":
                answers = {"refuse_address": "550 5.1.1 no such person", "busy": "451 try later"}
                self._say(answers.get(mails.how, "250 ok"))
            elif word == b"DATA":
                if not self._data(mails):
                    return
            elif word == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _data(self, mails: Mails) -> bool:
        self._say("354 go on")
        if mails.how == "die_in_data":
            self.rfile.readline()
            self.connection.shutdown(socket.SHUT_RDWR)
            return False
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        if mails.how == "spam":
            self._say("554 5.7.1 looks like spam")
            return True
        message: Any = message_from_bytes(b"".join(lines), policy=policy.default)
        mails.taken.append(message)
        if mails.how == "die_after_data":
            self.connection.shutdown(socket.SHUT_RDWR)
            return False
        self._say("250 taken")
        return mails.how != "one_a_connection"

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


class _SmtpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that leave early are part of the tests."""


@contextmanager
def mail_server() -> Iterator[Mails]:
    """A mail server on loopback."""
    mails = Mails()
    with _SmtpServer(("127.0.0.1", 0), _Smtp) as server:
        server.mails = mails  # type: ignore[attr-defined]
        mails.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield mails
        finally:
            mails.release.set()
            server.shutdown()
            thread.join()


@dataclass
class Hooks:
    """What a receiver of webhooks got, and what it answers.

    how: a status, or `hang`, `drip` (a byte now and then, without an end), `die`, `redirect`.
    """

    how: int | str = 200
    headers: dict[str, str] = field(default_factory=dict)
    location: str = ""
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0
    release: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def ids(self) -> list[str]:
        return [headers["webhook-id"] for _, headers, _ in self.got]


class _Hook(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def do_POST(self) -> None:
        hooks: Hooks = self.server.hooks
        body = self.rfile.read(int(self.headers["Content-Length"]))
        how = hooks.how
        if self.path == "/moved":
            how = 200
        hooks.got.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        if how == "hang":
            hooks.release.wait(60)
            self.close_connection = True
            return
        if how == "drip":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while not hooks.release.wait(0.1):
                self.wfile.write(b"x")
            self.close_connection = True
            return
        if how == "die":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        self._answer(307 if how == "redirect" else int(how), hooks)

    def _answer(self, status: int, hooks: Hooks) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "2")
        if status == 307:
            self.send_header("Location", hooks.location)
        for name, value in hooks.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


class _HookServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Senders that end early are part of the tests."""


@contextmanager
def hook_receiver() -> Iterator[Hooks]:
    """A receiver of webhooks on loopback."""
    hooks = Hooks()
    with _HookServer(("127.0.0.1", 0), _Hook) as server:
        server.hooks = hooks  # type: ignore[attr-defined]
        hooks.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield hooks
        finally:
            hooks.release.set()
            server.shutdown()
            thread.join()
