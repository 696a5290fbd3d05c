"""Starts three servers with SQLite on this machine and runs bench_kv against them.

usage: kv.py BUILD_DIR [--quick]
"""

import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def wait_until_healthy(port):
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"the server on port {port} does not answer")


def main():
    build = pathlib.Path(sys.argv[1])
    addresses = [f"127.0.0.1:{port}" for port in free_ports(3)]
    peers = ",".join(f"{i}={address}" for i, address in enumerate(addresses, 1))
    with tempfile.TemporaryDirectory(prefix="tinykv-bench-") as home:
        servers = []
        try:
            for i in range(1, 4):
                command = [build / "examples/bin/tinykv-server", "--store-id", str(i), "--peers", peers, "--data-dir", f"{home}/{i}", "--init"]
                if not command[0].exists():
                    command[0] = build / "bin/tinykv-server"
                servers.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
            for address in addresses:
                wait_until_healthy(address.rsplit(":", 1)[1])
            pids = [str(server.pid) for server in servers]
            return subprocess.call([build / "tests/bench_kv", *sys.argv[2:], ",".join(addresses), *pids])
        finally:
            for server in servers:
                server.terminate()
            for server in servers:
                server.wait(10)


sys.exit(main())
