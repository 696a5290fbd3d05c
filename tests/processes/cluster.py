"""Servers and the command line as processes: started, killed, and asked by tests."""

import base64
import hashlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

PROGRAMS = Path(os.environ["TINYKV_PROGRAMS"])
PATIENCE = 60.0  # seconds; a machine that runs sanitizers beside is slow


def free_port():
    """Below the ports that the system gives to outgoing connections: one of those could take it while a server is down."""
    while True:
        port = random.randrange(12000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def run(program, *arguments, stdin=b"", user=None, environment=None, patience=PATIENCE):
    """Runs a program to its end; stdout and stderr are bytes."""
    command = [str(PROGRAMS / program), *map(os.fsencode, map(str, arguments))]
    if user is not None:
        command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TINYKV_")}
    return subprocess.run(command, input=stdin, capture_output=True, timeout=patience, check=False, env={**clean, **(environment or {})})


def eventually(what, condition, patience=PATIENCE):
    """Waits for `condition()` to give something true, and gives it."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {patience} s: {what}")


class Server:
    def __init__(self, cluster, number):
        self.cluster = cluster
        self.number = number
        self.port = free_port()
        self.endpoint = f"127.0.0.1:{self.port}"
        self.directory = cluster.directory / f"store-{number}"
        self.log = cluster.directory / f"server-{number}.log"
        self.process = None
        self.launcher = []  # a command that runs the server, if any

    def arguments(self, *more):
        return ["--store-id", str(self.number), "--peers", self.cluster.peers(), "--data-dir", str(self.directory), *more]

    def start(self, *more):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*self.launcher, str(PROGRAMS / "tinykv-server"), *self.arguments(*more)], stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL)

    def words(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self, with_signal=signal.SIGTERM):
        """Gives the exit code of a clean end."""
        self.process.send_signal(with_signal)
        return self.process.wait(PATIENCE)


class Cluster:
    """N servers on loopback; a context manager that leaves nothing behind."""

    def __init__(self, size):
        self.directory = Path(tempfile.mkdtemp(prefix="tinykv-processes-"))
        self.servers = []
        for number in range(1, size + 1):
            self.servers.append(Server(self, number))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self.servers:
            if server.process and server.process.poll() is None:
                server.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def peers(self):
        return ",".join(f"{s.number}={s.endpoint}" for s in self.servers)

    def endpoints(self):
        return ",".join(s.endpoint for s in self.servers)

    def start(self, *more):
        for server in self.servers:
            server.start(*more)
        return self.leader()

    def cli(self, *arguments, stdin=b"", endpoints=None, timeout=20):
        return run("tinykv", "--endpoints", endpoints or self.endpoints(), "--timeout", timeout, *arguments, stdin=stdin)

    def get(self, key, server=None):
        """The value that a server gives, or None."""
        answer = self.cli("get", "--raw", key, endpoints=server.endpoint if server else None)
        return answer.stdout if answer.returncode == 0 else None

    def leader_number(self):
        """The leader on which all running servers agree; 0 = none."""
        import json
        running = [s for s in self.servers if s.process and s.process.poll() is None]
        answer = self.cli("--json", "status", endpoints=",".join(s.endpoint for s in running), timeout=1)
        seen = set()
        for line in answer.stdout.splitlines():
            seen.update(g["leader"] for g in json.loads(line).get("groups", []))
            if "groups" not in json.loads(line):
                seen.add(0)
        return seen.pop() if len(seen) == 1 else 0

    def leader(self):
        running = {s.number: s for s in self.servers if s.process and s.process.poll() is None}
        number = eventually("a leader", lambda: self.leader_number() in running and self.leader_number())
        return running[number]


class MuteServer:
    """Lets every client in, by the handshake of docs/policies/rpc.md, and answers nothing afterwards."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.greet, args=(client,), daemon=True).start()

    @staticmethod
    def greet(client):
        with client:
            request = b""
            while b"\r\n\r\n" not in request:
                request += client.recv(4096)
            key = next(line.split(b":", 1)[1].strip() for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
            accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
            client.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
            client.recv(4096)  # its hello
            client.sendall(b"\x82\x04" + b"\x02\x00" + b"\x08\x01")  # one binary message: kind verdict, urgent; accepted = true
            while client.recv(4096):
                pass
