"""`lilliput serve` in a process of its own, and plain requests to it."""

import http.client
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from lilliput.specs import ArithmeticSpec, GPTSpec, RunSpec, TrainingSpec

SPEC = RunSpec(
    task=ArithmeticSpec(operands="0-9"),
    model=GPTSpec(layers=2, width=8, heads=2),
    training=TrainingSpec(steps=1_000),
)
"""Of a run that is written to be shown."""


class Served:
    """The server in a folder, until it is ended with Ctrl-C."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        code = (
            "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
            " from lilliput.faces.cli import main; sys.exit(main(sys.argv[1:]))"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, "serve", "--port", "0", *arguments],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline()
        if not self.line:
            raise AssertionError(self.end())
        self.address = self.line.split()[0]
        self.port = int(self.address.split(":")[2].split("/")[0])

    def get(self, path: str, **headers: str) -> tuple[int, str, http.client.HTTPMessage]:
        """Status, text and headers of an answer."""
        return self.ask("GET", path, headers)

    def ask(
        self, method: str, path: str, headers: dict[str, str]
    ) -> tuple[int, str, http.client.HTTPMessage]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.putrequest(method, path, skip_host="Host" in headers)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace"), answer.headers
        finally:
            connection.close()

    def stream(self, path: str) -> socket.socket:
        """A connection that has asked for a path and reads on."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n\r\n"
        try:
            connection.sendall(head.encode())
        except BaseException:
            connection.close()
            raise
        return connection

    def end(self) -> tuple[int, str]:
        """Ctrl-C; exit code and what was said on stderr."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGINT)
        try:
            _, said = self.process.communicate(timeout=20)
        finally:
            self.process.kill()
        return self.process.returncode, said
