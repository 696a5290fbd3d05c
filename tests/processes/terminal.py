"""A program on a terminal (a pseudo-terminal of its own), as people use it."""

import fcntl
import os
import re
import select
import signal
import subprocess
import termios
import time

from cluster import PATIENCE, PROGRAMS


class Terminal:
    """stdin, stdout and stderr are the terminal, but for those that are given."""

    def __init__(self, program, *arguments, environment=None, stdin=None, stdout=None):
        self.master, slave = os.openpty()
        attributes = termios.tcgetattr(slave)
        attributes[3] &= ~termios.ECHO  # the terminal's own; a line editor echoes by itself
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
        clean = {k: v for k, v in os.environ.items() if not k.startswith("TINYKV_")}
        self.process = subprocess.Popen(
            [str(PROGRAMS / program), *map(str, arguments)], stdin=slave if stdin is None else stdin,
            stdout=slave if stdout is None else stdout, stderr=slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(2, termios.TIOCSCTTY, 0), env={**clean, "TERM": "xterm", **(environment or {})})
        os.close(slave)
        self.seen = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        os.close(self.master)

    def type(self, text):
        os.write(self.master, text.encode())

    def read(self, seconds):
        """What comes within that time; b"" at the end."""
        if not select.select([self.master], [], [], seconds)[0]:
            return None
        try:
            return os.read(self.master, 65536)
        except OSError:  # the other side is closed
            return b""

    def until(self, pattern):
        """Everything up to what matches `pattern`, which is taken away."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            match = re.search(pattern.encode(), self.seen)
            if match:
                before, self.seen = self.seen[:match.end()], self.seen[match.end():]
                return before.decode(errors="replace")
            piece = self.read(0.2)
            if piece == b"":
                break
            self.seen += piece or b""
        raise AssertionError(f"the terminal does not show {pattern!r} but {self.seen!r}")

    def rest(self):
        """Everything to the end of the program."""
        while True:
            piece = self.read(PATIENCE)
            if not piece:
                break
            self.seen += piece
        return self.seen.decode(errors="replace")

    def end(self):
        """The exit code."""
        return self.process.wait(PATIENCE)
