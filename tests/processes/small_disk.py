"""Places that hold little, for servers that are to find their disk full. None needs root."""

import os
import subprocess

MIB = 1 << 20


class SmallFileSystem:
    """A file system of its own, seen only in a mount namespace of its own: the one who makes that namespace may mount in it
    (user_namespaces(7)), where the machine allows such namespaces. Root needs no user namespace."""

    def __init__(self, directory, mib):
        directory.mkdir()
        self.directory = directory
        users = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        script = 'mount -t tmpfs -o "size=$1" tmpfs "$0" && echo mounted && exec sleep infinity'
        self.holder = subprocess.Popen(["unshare", *users, "--mount", "sh", "-c", script, str(directory), str(mib * MIB)],
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        answer = self.holder.stdout.readline().decode().strip()
        if answer != "mounted":
            self.close()
            raise OSError(answer or "unshare says nothing")
        # Put in front of a command, it runs where the file system is.
        self.launcher = ["nsenter", "--target", str(self.holder.pid), *(["--user", "--preserve-credentials"] if users else []), "--mount"]

    def grow(self, mib):
        subprocess.run([*self.launcher, "mount", "-o", f"remount,size={mib * MIB}", "tmpfs", str(self.directory)], check=True)

    def close(self):
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()


class SmallFiles:
    """A limit on the size of each file (setrlimit(2)): a write beyond it fails. Whatever the machine allows."""

    def __init__(self, directory, mib):
        directory.mkdir()
        self.directory = directory
        self.launcher = ["env", "--ignore-signal=XFSZ", "prlimit", f"--fsize={mib * MIB}"]

    def grow(self, _):
        self.launcher = []

    def close(self):
        pass


def small_disk(directory, mib):
    """The nearest to a small disk that this machine allows."""
    try:
        return SmallFileSystem(directory, mib)
    except OSError as problem:
        print(f"no file system of its own ({problem}); a limit on the size of files instead", flush=True)
        directory.rmdir()
        return SmallFiles(directory, mib // 2)
