"""The embedded Postgres on disk: made once, cleared of what a killed server left."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator
from enum import Enum
from pathlib import Path

from crisis.errors import NotReady
from crisis.pg_programs import Account, run

SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_SOCKET = 103  # bytes of sun_path on macOS without its closing zero; Linux has four more
HBA = "local all all scram-sha-256\n"


class Whose(Enum):
    """What the process is that postmaster.pid names."""

    OURS = "ours"  # the server of this folder
    GONE = "gone"  # none has this number
    FOREIGN = "foreign"  # the number is taken, but not by a server that runs here
    UNCLEAR = "unclear"  # a Postgres, of which we cannot see more


class Folder:
    """All that the server keeps in one folder; whoever changes it holds `locked`."""

    def __init__(self, path: Path, programs: Path, account: Account | None) -> None:
        self.path = path
        self.programs = programs
        self.account = account
        self.data = path / "data"
        self.log = path / "log"
        self.hba = path / "pg_hba.conf"
        self.sockets = path / "socket"
        self.password = ""

    def locked(self, within: float) -> contextlib.AbstractAsyncContextManager[None]:
        """Be the only one to start or stop the server; raise NotReady after `within` seconds."""
        return _locked(self.path / "lock", within)

    async def prepare(self, *, sync: bool = True) -> None:
        """Make what is missing; raise NotReady when what is there does not fit these programs."""
        major = await self._find_major()
        self.password = self._keep_password()
        if self.data.exists():
            self._check_version(major)
        else:
            await self._init(major, sync)
        self.sockets = self._find_sockets()
        self.hba.write_text(HBA)
        self.hba.chmod(0o644)

    def _keep_password(self) -> str:
        path = self.path / "password"
        if path.exists():
            return path.read_text().strip()
        if self.data.exists():
            raise NotReady(f"{path} is gone, and the database opens with nothing else; put it back from a backup.")
        word = secrets.token_urlsafe(24)
        part = path.with_suffix(".part")
        part.unlink(missing_ok=True)
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(word)
            if self.account:  # its initdb reads it
                os.fchown(file.fileno(), self.account.uid, self.account.gid)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
        return word

    async def _find_major(self) -> int:
        status, said = await run([str(self.programs / "postgres"), "--version"], self.account)
        found = re.search(r"(\d+)(?:\.|devel|rc|beta|$)", said)
        if status or found is None:
            raise NotReady(f"{self.programs / 'postgres'} does not run here: {said[-300:]}; set CRISIS_DATABASE_URL.")
        return int(found[1])

    def _check_version(self, major: int) -> None:
        try:
            has = (self.data / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            raise NotReady(f"{self.data} holds no Postgres database; move it away.") from None
        if has != str(major):
            raise NotReady(
                f"{self.data} was written by Postgres {has} and this is Postgres {major}: dump it with the "
                "Crisis that made it, move the folder away, start this one, and restore the dump."
            )

    async def _init(self, major: int, sync: bool) -> None:
        part = self.path / "data.part"  # renamed when whole: an interrupted one is made anew
        await asyncio.to_thread(shutil.rmtree, part, ignore_errors=True)
        self._own(part)
        locale = ["--locale=C.UTF-8"]
        if major >= 17:
            locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        argv = [
            str(self.programs / "initdb"),
            f"--pgdata={part}",
            "--username=crisis",
            "--auth=scram-sha-256",
        ]
        argv += [f"--pwfile={self.path / 'password'}", "--encoding=UTF8", *locale]
        argv += [] if sync else ["--no-sync"]
        status, said = await run(argv, self.account)
        if status:
            raise NotReady(f"The database could not be made in {part}: {last_words(said)}; mend that and start again.")
        part.rename(self.data)

    def _own(self, path: Path) -> None:
        path.mkdir(mode=0o700)
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)

    def _find_sockets(self) -> Path:
        here, note = self.path / "socket", self.path / "socket.path"
        if len(os.fsencode(here / SOCKET_NAME)) <= LONGEST_SOCKET:
            if not here.exists():
                self._own(here)
            return here
        away = Path(note.read_text()) if note.exists() else None
        if away is None or not self._is_ours(away):
            away = Path(tempfile.mkdtemp(prefix="crisis-", dir="/tmp"))
            if self.account:
                os.chown(away, self.account.uid, self.account.gid)
            note.write_text(str(away))
        return away

    def _is_ours(self, path: Path) -> bool:
        # The place is public: another account may have made what the note names since it was cleaned.
        uid = self.account.uid if self.account else os.geteuid()
        with contextlib.suppress(FileNotFoundError):
            stat = path.lstat()
            return stat.st_uid == uid and stat.st_mode == 0o40700
        return False

    def pid(self) -> int | None:
        """Return what the server wrote as its process number, which may be long out of date."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            return int((self.data / "postmaster.pid").read_text().splitlines()[0])
        return None

    def listens(self) -> bool:
        """Tell whether a server accepts connections at the socket; the file alone says nothing."""
        with socket.socket(socket.AF_UNIX) as probe:
            probe.setblocking(False)
            try:
                probe.connect(str(self.sockets / SOCKET_NAME))
            except BlockingIOError:  # it listens, and is busy
                return True
            except OSError:
                return False
            return True

    def whose(self) -> Whose:
        """Judge the process that postmaster.pid names."""
        pid = self.pid()
        words = _command_line(pid) if pid else None
        if not words:  # one that ended and was not reaped has a number and no command line
            return Whose.FOREIGN if pid and _has_number(pid) else Whose.GONE
        if Path(words[0]).name not in ("postgres", "postmaster"):  # one that says "postgres: ..." is a child
            return Whose.FOREIGN
        if str(self.data) in words:
            return Whose.OURS
        return Whose.FOREIGN if any(word.startswith("/") for word in words[1:]) else Whose.UNCLEAR

    def cluster(self) -> str:
        """Return the name that each process of this server carries in its title."""
        stat = self.data.stat()
        return f"crisis-{hashlib.sha256(f'{stat.st_dev}:{stat.st_ino}'.encode()).hexdigest()[:10]}"

    async def clear(self) -> None:
        """Take away what a killed server left: processes, a number that is another's now, sockets."""
        end = asyncio.get_running_loop().time() + 10
        while orphans := self._find_orphans():
            if asyncio.get_running_loop().time() > end:
                raise NotReady(f"Processes {orphans} of a killed database server do not end; end them by hand.")
            for pid in orphans:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(0.01)
        # A number that nobody has stays: Postgres reads there which shared memory must be free first.
        if self.whose() is Whose.FOREIGN:
            (self.data / "postmaster.pid").unlink(missing_ok=True)
        for name in (SOCKET_NAME, f"{SOCKET_NAME}.lock"):
            (self.sockets / name).unlink(missing_ok=True)

    def _find_orphans(self) -> list[int]:
        title = f"postgres: {self.cluster()}: "
        pids = [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]
        return [pid for pid in pids if (words := _command_line(pid)) and words[0].startswith(title)]


def _has_number(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _command_line(pid: int) -> list[str] | None:
    if Path("/proc/self/cmdline").exists():
        with contextlib.suppress(OSError):
            raw = Path(f"/proc/{pid}/cmdline").read_bytes()
            return raw.rstrip(b"\0").decode(errors="replace").split("\0") if raw else None
        return None
    found = subprocess.run(["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, check=False)
    return found.stdout.decode(errors="replace").split() or None


@contextlib.asynccontextmanager
async def _locked(path: Path, within: float) -> AsyncIterator[None]:
    with open(path, "ab") as lock:  # noqa: ASYNC230  a lock file holds nothing
        end = asyncio.get_running_loop().time() + within
        while not flock(lock.fileno(), fcntl.LOCK_EX):
            if asyncio.get_running_loop().time() > end:
                raise NotReady(f"Another process has been starting the database for long; see who holds {path}.")
            await asyncio.sleep(0.02)
        yield


def flock(fd: int, how: int) -> bool:
    """Take the lock if it can be had now, and tell whether."""
    try:
        fcntl.flock(fd, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def last_words(said: str) -> str:
    """Return the line of a program's output that most likely says why it failed."""
    lines = [line for line in said.splitlines() if "FATAL" in line or "error" in line.lower()] or said.splitlines()
    return lines[-1].strip() if lines else "it gave no reason"
