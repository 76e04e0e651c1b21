"""Programs that are Go modules: found, or built into the cache."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lab.programs.cache import Cache
from lab.programs.golang import Go, find_go, require_room
from lab.programs.model import Program
from lab.programs.recipes import Recipe
from lab.programs.versions import Versions

#: Folder with kube-apiserver, etcd and kubectl, as the tests of many operators have it.
ASSETS = "KUBEBUILDER_ASSETS"
Progress = Callable[[str], None]


def ensure_built(
    wanted: Sequence[Recipe],
    versions: Versions,
    cache: Cache,
    environ: Mapping[str, str],
    progress: Progress,
) -> list[Program]:
    """The program of every recipe, in their order; the Go is that of `versions`. Raises SourceError."""
    found = [_find(recipe, cache, environ, progress) for recipe in wanted]
    if None in found:
        with cache.lock(lambda: progress("waiting: another laboratory builds programs into the same cache")):
            # Again, as another laboratory may have built them meanwhile.
            unfound = [recipe for recipe, program in zip(wanted, found, strict=True) if program is None]
            missing = [recipe for recipe in unfound if not _kept(recipe, cache)]
            _build_all(missing, versions, cache, environ, progress)
        found = [_find(recipe, cache, environ, progress) for recipe in wanted]
    return [program for program in found if program]


def _find(recipe: Recipe, cache: Cache, environ: Mapping[str, str], progress: Progress) -> Program | None:
    return _asset(recipe, environ, progress) or _kept(recipe, cache)


def _asset(recipe: Recipe, environ: Mapping[str, str], progress: Progress) -> Program | None:
    """The program in KUBEBUILDER_ASSETS, if it is of the wanted version."""
    folder = environ.get(ASSETS)
    path = Path(folder or "") / recipe.program
    if not folder or not os.access(path, os.X_OK):
        return None
    arguments = ["version", "--client"] if recipe.program == "kubectl" else ["--version"]
    done = subprocess.run([path, *arguments], capture_output=True, text=True, check=False)
    match = re.search(r"v?(\d+\.\d+\.\d+)", done.stdout)
    version = match[1] if match else "unknown"
    if version == recipe.version:
        return Program(path, version)
    progress(f"{recipe.program}: {path} is version {version}, not used; {recipe.version} is wanted")
    return None


def place(recipe: Recipe, cache: Cache) -> Path:
    """Where a program is once it has been built."""
    return cache.directory / recipe.program / recipe.version / recipe.program


def _kept(recipe: Recipe, cache: Cache) -> Program | None:
    path = place(recipe, cache)
    return Program(path, recipe.version) if os.access(path, os.X_OK) else None


def _build_all(
    missing: list[Recipe], versions: Versions, cache: Cache, environ: Mapping[str, str], progress: Progress
) -> None:
    if not missing:
        return
    require_room(cache.directory)
    go = find_go(versions, cache.directory, environ, progress)
    count = f"{len(missing)} program{'s' * (len(missing) > 1)}"
    progress(f"building {count} with Go {go.version}, once; up to ten minutes on two cores")
    with cache.workshop() as work:
        for number, recipe in enumerate(missing, 1):
            title = f"{recipe.program} {recipe.version} ({number} of {len(missing)})"
            _build(recipe, go, work, cache, _titled(title, progress))


def _titled(title: str, progress: Progress) -> Progress:
    return lambda line: progress(f"{title}: {line}")


def _build(recipe: Recipe, go: Go, work: Path, cache: Cache, progress: Progress) -> None:
    name = f"{recipe.program}-{recipe.version}"
    source, tree = work / f"{name}-source", work / name
    source.mkdir()
    tree.mkdir(mode=0o755)
    progress("fetching the source")
    recipe.source(go, source)
    go.build(source, recipe.package, tree / recipe.program, recipe.ldflags, progress)
    recipe.companions(go, source, tree)
    entry = cache.directory / recipe.program / recipe.version
    entry.parent.mkdir(exist_ok=True)
    entry.parent.chmod(0o755)
    tree.chmod(0o755)
    # Complete, or not there at all.
    shutil.rmtree(entry, ignore_errors=True)
    tree.rename(entry)
    progress("built")
