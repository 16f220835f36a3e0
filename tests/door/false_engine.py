"""What a Docker engine does with an exec's stream, on one connected socket: stdin raw, stdout and stderr framed."""

from __future__ import annotations

import socket
import struct
import subprocess
import threading
from collections.abc import Sequence
from typing import IO, cast


class FalseEngine:
    """Runs `argv` behind `sock` until the client hangs up; `ended` is set when all of it is gone."""

    def __init__(self, sock: socket.socket, argv: Sequence[str]) -> None:
        self.ended = threading.Event()
        self._sock = sock
        self._process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
        self._writing = threading.Lock()
        threading.Thread(target=self._run).start()

    def _run(self) -> None:
        process = self._process
        stdin, stdout, stderr = (cast("IO[bytes]", pipe) for pipe in (process.stdin, process.stdout, process.stderr))
        copies = [
            threading.Thread(target=self._copy, args=(1, stdout)),
            threading.Thread(target=self._copy, args=(2, stderr)),
        ]
        for copy in copies:
            copy.start()
        try:
            while data := self._sock.recv(65536):
                stdin.write(data)
        except OSError:
            pass
        stdin.close()
        self._process.wait(60)
        for copy in copies:
            copy.join()
        for open_one in (stdout, stderr, self._sock):
            open_one.close()
        self.ended.set()

    def _copy(self, channel: int, pipe: IO[bytes]) -> None:
        while data := pipe.read(32768):
            try:
                with self._writing:
                    self._sock.sendall(struct.pack(">BxxxI", channel, len(data)) + data)
            except OSError:
                pass
