"""Programs from newer releases of Debian, each of which runs without other packages."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from lab.programs.apt import Apt, SourceError, require_apt
from lab.programs.cache import Cache
from lab.programs.model import Program
from lab.programs.sources import Archive, debian_archives
from lab.programs.wanted import UnsuitableError, Wanted

#: Newest first: a binary of sid may need a newer libc than this machine has.
SUITES = ("sid", "trixie")


def fetch(
    wanted: Sequence[Wanted], cache: Cache, work: Path, progress: Callable[[str], None]
) -> dict[str, Program]:
    """Fetch the `wanted` programs into the cache. Raises SourceError when one cannot be had."""
    require_apt()
    archives = debian_archives()
    if not archives:
        raise SourceError("/etc/apt names no archive with Debian's component main")
    fetched: dict[str, Program] = {}
    reasons: list[str] = []
    for suite in SUITES:
        for archive in archives:
            missing = [each for each in wanted if each.name not in fetched]
            if missing:
                names = ", ".join(each.name for each in missing)
                progress(f"{names}: fetching from Debian {suite} ({archive.uri})")
                root = work / f"{suite}-{archives.index(archive)}"
                found, complaints = _from_suite(missing, Apt(root, progress, _source(archive, suite)), cache)
                fetched |= found
                reasons += [f"Debian {suite}: {complaint}" for complaint in complaints]
    missing = [each for each in wanted if each.name not in fetched]
    if missing:
        raise SourceError("\n".join(reasons))
    return fetched


def fetch_release(wanted: Wanted, cache: Cache, work: Path, progress: Callable[[str], None]) -> Program:
    """Fetch a program of this machine's own release, whose libraries it has. Raises SourceError."""
    require_apt()
    progress(f"{wanted.name}: fetching from this machine's package archives")
    found, complaints = _from_suite([wanted], Apt(work / f"release-{wanted.name}", progress), cache)
    if wanted.name not in found:
        raise SourceError("; ".join(complaints))
    return found[wanted.name]


def _source(archive: Archive, suite: str) -> str:
    signature = f"Signed-By: {archive.signed_by}\n" if archive.signed_by else ""
    return (
        f"Types: deb\nURIs: {archive.uri}\nSuites: {suite}\nComponents: main\nTargets: Packages\n{signature}"
    )


def _from_suite(wanted: Sequence[Wanted], apt: Apt, cache: Cache) -> tuple[dict[str, Program], list[str]]:
    """What this suite gives of `wanted`, and why something does not come from it."""
    try:
        apt.update()
        apt.download(str(each.package) for each in wanted)
        trees = [_unpack(apt, each) for each in wanted]
    except SourceError as error:
        return {}, [str(error)]
    fetched: dict[str, Program] = {}
    complaints: list[str] = []
    for each, (tree, executable) in zip(wanted, trees, strict=True):
        try:
            fetched[each.name] = cache.keep(each, tree, executable)
        except UnsuitableError as error:
            complaints.append(f"package {each.package}: {error}")
    return fetched, complaints


def _unpack(apt: Apt, wanted: Wanted) -> tuple[Path, Path]:
    """Returns a directory with the program of a package alone, and its path in there."""
    unpacked, tree = apt.root / f"{wanted.name}-all", apt.root / wanted.name
    apt.unpack(str(wanted.package), unpacked)
    tree.mkdir()
    executable = Path(wanted.binaries[0])
    (unpacked / "usr/bin" / executable).rename(tree / executable)
    shutil.rmtree(unpacked)
    return tree, executable
