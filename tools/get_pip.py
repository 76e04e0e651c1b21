# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in for get-pip.py in ansible-test's cache: installs pip from the index, with Python's own pip."""

from __future__ import annotations

import subprocess
import sys

ONLY_GET_PIP_KNOWS = ("--no-setuptools", "--no-wheel")

subprocess.run([sys.executable, "-m", "ensurepip", "--default-pip"], check=True, stdout=subprocess.DEVNULL)
arguments = [argument for argument in sys.argv[1:] if argument not in ONLY_GET_PIP_KNOWS]
subprocess.run([sys.executable, "-m", "pip", "install", *arguments], check=True)
