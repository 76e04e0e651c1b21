# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible-test's sanity tests on the checkout, without containers and with packages from PyPI only.

Usage: .venv/bin/python tools/sanity.py [arguments of `ansible-test sanity`]
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import ansible_collections

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "sanity"
COLLECTIONS = CACHE / "ansible_collections"
TARGET = COLLECTIONS / "eks_observability" / "stack"
HOME = CACHE / "home"


def copy_checkout() -> None:
    """Copy what git has or would add: ansible-test insists on a real directory so named in a work tree."""
    shutil.rmtree(COLLECTIONS, ignore_errors=True)
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", ":!collections"]
    listing = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listing.split("\0")):
        if os.path.lexists(ROOT / name):
            (TARGET / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, TARGET / name, follow_symlinks=False)
    subprocess.run(["git", "init", "--quiet"], cwd=TARGET, check=True)


def link_dependencies() -> None:
    """Place the collections beside ours to which our documentation refers."""
    (installed,) = ansible_collections.__path__
    for namespace in ("amazon", "ansible", "community", "kubernetes"):
        (COLLECTIONS / namespace).symlink_to(Path(installed) / namespace)


def prepare_home() -> None:
    """Make a home directory for ansible-test, which keeps its virtual environments and its cache there.

    To make a virtual environment it downloads a get-pip script from its own CI, unless one is in the cache.
    It hides the environment's PIP_* variables from pip, so they go into a configuration file.
    """
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version_of_pip in ("24_2", "25_2"):  # of ansible-core 2.19 and of 2.21
        shutil.copy2(ROOT / "tools" / "get_pip.py", cache / f"get_pip_{version_of_pip}.py")
    settings = ["[global]", "QUIET = 1"]
    settings += [f"{key[4:]} = {value}" for key, value in os.environ.items() if key.startswith("PIP_")]
    (HOME / ".pip").mkdir(exist_ok=True)
    (HOME / ".pip" / "pip.conf").write_text("\n".join(settings), encoding="utf-8")
    (HOME / ".config").mkdir(exist_ok=True)
    theirs = Path(os.environ.get("XDG_CONFIG_HOME", Path.home() / ".config")) / "pip"
    if theirs.is_dir() and not (HOME / ".config" / "pip").exists():
        (HOME / ".config" / "pip").symlink_to(theirs)


def main() -> int:
    copy_checkout()
    link_dependencies()
    prepare_home()
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    color = "yes" if sys.stdout.isatty() else "no"
    command = ["ansible-test", "sanity", "--python", python, "--color", color, *sys.argv[1:]]
    return subprocess.run(command, cwd=TARGET, env={**os.environ, "HOME": str(HOME)}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
