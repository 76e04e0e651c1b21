# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install requirements/<set>.lock into .venv; started by tools/venv with the Python that .venv is to have.

The file .venv/<set>.installed says that an installation was completed; the Makefile compares its age with the
lock's. It is removed before anything changes, so that an interrupted installation is seen, and then made anew
from nothing: pip takes a half-copied package for an installed one.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
SETS = ("demo", "test")  # each contains the one before it


def stamp(name: str) -> Path:
    return VENV / f"{name}.installed"


def is_usable() -> bool:
    """Whether .venv is complete, works, and was made at this path (scripts in bin/ contain it)."""
    if not any(stamp(name).exists() for name in SETS):
        return False
    script = VENV / "bin" / "pip"
    return PYTHON.exists() and script.exists() and str(PYTHON) in script.read_text(encoding="utf-8")


def pip(*arguments: str) -> Iterator[str]:
    """Run pip, yield its lines; on failure, show all of them and exit with pip's code."""
    command = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", *arguments]
    seen: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout or ():
            seen.append(line)
            yield line
    if process.returncode:
        sys.stdout.writelines(seen[-40:])
        sys.exit(f"pip failed with exit code {process.returncode}: {' '.join(command)}")


def report(text: str, *, final: bool = True) -> None:
    """Print a line; one that is not final is overwritten by the next, or left out if there is no terminal."""
    terminal = sys.stdout.isatty()
    if final or terminal:
        print(f"\r\033[K{text}" if terminal else text, end="\n" if final else "", flush=True)


def install(lock: Path) -> None:
    """Install the pins of a lock.

    The lock is complete, so pip need not resolve (--no-deps). Wheels only, so no compiler is needed.
    Modules are compiled when they are first imported: most never are, and compiling all takes a minute.
    """
    total = sum(1 for line in lock.read_text(encoding="utf-8").splitlines() if "==" in line)
    options = ("--no-deps", "--no-compile", "--only-binary=:all:", "--progress-bar=off")
    report(f"[2/3] downloading up to {total} packages of {lock.relative_to(ROOT)}")
    downloaded = 0
    for line in pip("install", *options, "--requirement", str(lock)):
        if line.startswith("Collecting "):
            downloaded += 1
            report(f"      {downloaded:3}/{total} {line.split()[1]}", final=False)
        elif line.startswith("Installing collected packages"):
            report(f"[3/3] installing {downloaded} packages")


def keep_zip_bytecode() -> None:
    """Have tools/zip_bytecode.py imported whenever the Python of .venv starts."""
    (site,) = VENV.glob("lib/python*/site-packages")
    shutil.copy(ROOT / "tools" / "zip_bytecode.py", site)
    (site / "zip_bytecode.pth").write_text("import zip_bytecode\n", encoding="utf-8")


def main(name: str) -> None:
    started = time.monotonic()
    if is_usable():
        report("[1/3] .venv is there")
    else:
        report(f"[1/3] creating .venv with Python {platform.python_version()} ({sys.executable})")
        venv.create(VENV, clear=True, symlinks=True, with_pip=True)
    for each in SETS:
        stamp(each).unlink(missing_ok=True)
    install(ROOT / "requirements" / f"{name}.lock")
    keep_zip_bytecode()
    for each in SETS[: SETS.index(name) + 1]:
        stamp(each).touch()
    report(f"      .venv is ready ({time.monotonic() - started:.0f} s)")


if __name__ == "__main__":
    main(sys.argv[1])
