"""Which packages a PostgreSQL from Debian needs, and how they run where they were unpacked."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from lab.programs.apt import SourceError
from lab.programs.postgres import PROGRAMS, arrange, needed, release_server


@pytest.mark.parametrize(
    ("depends", "server"),
    [
        pytest.param(
            ["postgresql", "  Depends: postgresql-15", "  Suggests: postgresql-doc"],
            "postgresql-15",
            id="Debian 12",
        ),
        pytest.param(
            ["postgresql", "  Depends: postgresql-common", "  Depends: postgresql-17"],
            "postgresql-17",
            id="others before it",
        ),
    ],
)
def test_the_server_of_the_release(depends: list[str], server: str) -> None:
    assert release_server(depends) == server


@pytest.mark.parametrize("depends", [[], ["postgresql", "  Suggests: postgresql-15"]])
def test_archives_without_a_server_are_named(depends: list[str]) -> None:
    with pytest.raises(SourceError, match="names no postgresql-<major>"):
        release_server(depends)


@pytest.mark.parametrize(
    ("line", "libraries"),
    [
        pytest.param("Inst libicu72 (72.1-3 Debian:12.15/oldstable [amd64])", ["libicu72"], id="missing"),
        pytest.param("Inst libldap-2.5-0 (2.5.13+dfsg-5 x [amd64])", ["libldap-2.5-0"], id="dashes"),
        pytest.param("Inst libxslt1.1 (1.1.35-1 x [amd64]) []", ["libxslt1.1"], id="dots"),
        pytest.param("Inst libpq5 [15.1] (15.20 x [amd64])", ["libpq5"], id="too old"),
        pytest.param("Conf libicu72 (72.1-3 x [amd64])", [], id="its configuration"),
        pytest.param("Remv libpq5 [15.1]", [], id="its removal"),
        pytest.param("Inst libllvm14 (1:14.0.6-12 x [amd64])", [], id="compiler of queries"),
        pytest.param("Inst libperl5.36 (5.36.0-7 x [amd64])", [], id="Perl"),
        pytest.param("Inst libjson-perl (4.10000-1 x [all])", [], id="module of Perl"),
        pytest.param("Inst libpq-dev [15.1] (15.20 x [amd64])", [], id="files for compilers"),
        pytest.param("Inst libc6 [2.36-8] (2.36-9 x [amd64])", [], id="libc"),
        pytest.param("Inst libcap2 (1:2.66-4 x [amd64])", ["libcap2"], id="name that begins like libc"),
        pytest.param("Inst postgresql-common (248 x [all])", [], id="scripts of Debian"),
        pytest.param("Inst ssl-cert (1.1.2 x [all])", [], id="no library"),
        pytest.param("The following NEW packages will be installed:", [], id="prose"),
    ],
)
def test_packages_that_a_simulated_installation_tells(line: str, libraries: list[str]) -> None:
    server = "Inst postgresql-15 (15.20 x [amd64])"
    assert needed("postgresql-15", [line, server]) == ["postgresql-15", "postgresql-client-15", *libraries]


def test_a_machine_with_all_libraries_needs_server_and_client() -> None:
    assert needed("postgresql-17", []) == ["postgresql-17", "postgresql-client-17"]


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """What dpkg-deb makes of the packages; each program tells how it was called and its library path."""
    tree = tmp_path / "tree"
    home = tree / "usr/lib/postgresql/15"
    for directory in (
        *(home / "bin", home / "lib", tree / "usr/share/postgresql/15", tree / "usr/share/doc/libpq5"),
        *(tree / "usr/lib/x86_64-linux-gnu/krb5", tree / "lib/aarch64-linux-gnu"),
    ):
        directory.mkdir(parents=True)
    for name in PROGRAMS:
        (home / "bin" / name).symlink_to("/bin/bash")
    (home / "lib/llvmjit.so").touch()
    (home / "lib/pg_stat_statements.so").touch()
    (tree / "usr/lib/x86_64-linux-gnu/libpq.so.5.15").touch()
    (tree / "usr/lib/x86_64-linux-gnu/libpq.so.5").symlink_to("libpq.so.5.15")
    (tree / "lib/aarch64-linux-gnu/libkeyutils.so.1").touch()
    return tree


def test_what_is_needed_is_arranged(unpacked: Path) -> None:
    previous = os.umask(0o077)
    try:
        server = arrange(unpacked, "postgresql-15")
    finally:
        os.umask(previous)
    assert server == Path("usr/lib/postgresql/15/bin/postgres")
    home = unpacked / "usr/lib/postgresql/15"
    assert {path.name for path in (home / "libraries").iterdir()} == {
        *("libpq.so.5", "libpq.so.5.15", "libkeyutils.so.1")
    }
    assert (home / "libraries/libpq.so.5").exists()
    assert [path.name for path in (home / "lib").iterdir()] == ["pg_stat_statements.so"]
    assert [path.name for path in (unpacked / "usr/share").iterdir()] == ["postgresql"]
    for path in (home / "bin", home / "libraries", *(home / "bin" / name for name in PROGRAMS)):
        # The server runs as nobody, whatever the umask is.
        assert stat.S_IMODE(path.stat().st_mode) == 0o755, path


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_run_with_their_libraries_under_the_path_they_were_called_by(
    tmp_path: Path, unpacked: Path, name: str
) -> None:
    arrange(unpacked, "postgresql-15")
    moved = unpacked.rename(tmp_path / "moved elsewhere")
    home = moved / "usr/lib/postgresql/15"
    # The laboratory copies the server and links what lies beside its directory.
    copied = tmp_path / "copy/bin" / name
    copied.parent.mkdir(parents=True)
    copied.write_bytes((home / "bin" / name).read_bytes())
    copied.chmod(0o755)
    for each in ("programs", "libraries"):
        (tmp_path / "copy" / each).symlink_to(home / each)
    for called in (home / "bin" / name, copied):
        tell = [called, "-c", 'echo "$BASH|$LD_LIBRARY_PATH|$0|$1"', "zero", "an argument"]
        told = subprocess.run(tell, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        assert told == f"{called}|{called.parent.parent}/libraries|zero|an argument"
