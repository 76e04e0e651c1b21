# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module tells while it runs reaches the one who looks."""

from __future__ import annotations

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils import _progress
from ansible_collections.eks_observability.stack.plugins.plugin_utils._progress import shown


def test_each_line_is_shown_once(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    with shown(lines.append) as pipe:
        monkeypatch.setenv(_progress.VARIABLE, pipe)
        tell = _progress.teller()
        for line in ("creating", "creating", "available\nand more", "creating"):
            tell(line)
    assert lines == ["creating", "available and more", "creating"]


@pytest.mark.parametrize("path", [None, "/nowhere/pipe"], ids=["nobody looks", "another machine"])
def test_nobody_has_to_look(monkeypatch: pytest.MonkeyPatch, path: str | None) -> None:
    monkeypatch.delenv(_progress.VARIABLE, raising=False)
    if path:
        monkeypatch.setenv(_progress.VARIABLE, path)
    _progress.teller()("creating")


def test_a_reader_that_goes_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    with shown(lambda line: None) as pipe:
        monkeypatch.setenv(_progress.VARIABLE, pipe)
        tell = _progress.teller()
    tell("creating")
