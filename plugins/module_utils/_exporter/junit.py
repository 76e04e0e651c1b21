# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks as a JUnit file, which CI servers show. PRIVATE: it may change at any time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath
from xml.etree import ElementTree

from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.check import Check, summary

# What XML 1.0 cannot hold, not even escaped.
UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def report(checks: Sequence[Check], *, suite: str, profile: str, seconds: float) -> bytes:
    """One test case for each check, in a class that is called as the profile or its file."""
    name = f"exporter_metrics.{PurePath(profile).stem}"
    root = ElementTree.Element("testsuites")
    element = ElementTree.SubElement(
        root,
        "testsuite",
        name=_clean(suite),
        tests=str(len(checks)),
        failures=str(sum(check.status == "fail" for check in checks)),
        errors="0",
        skipped=str(sum(check.status == "skip" for check in checks)),
        time=f"{seconds:.3f}",
    )
    for check in checks:
        _case(element, check, name)
    ElementTree.SubElement(element, "system-out").text = summary(checks)
    ElementTree.indent(root)
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _case(suite: ElementTree.Element, check: Check, classname: str) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=_clean(classname), name=_clean(check.id))
    text = f"expected: {check.expected}\nobserved: {check.observed}\nhint: {check.hint or '-'}"
    if check.status == "fail":
        failure = ElementTree.SubElement(case, "failure", type="check", message=_clean(str(check)))
        failure.text = _clean(text)
    elif check.status == "skip":
        ElementTree.SubElement(case, "skipped", message=_clean(check.observed))
    elif check.status == "warn":
        # JUnit has no warnings: a CI server shows this beside the test that passed.
        ElementTree.SubElement(case, "system-err").text = _clean(text)


def _clean(text: str) -> str:
    return UNPRINTABLE.sub("?", text)
