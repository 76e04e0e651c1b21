"""The report for CI servers."""

from __future__ import annotations

from xml.etree import ElementTree

from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.check import Check
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.junit import report

CHECKS = [
    Check("one", "pass", "1", "1"),
    Check("two", "fail", 'a "b" & <c>', "bell \a, null \0, ä\nend", "do it"),
    Check("three", "warn", "1", "2", "look"),
    Check("four", "skip", "", "not looked at"),
]


def test_one_case_for_each_check() -> None:
    suite = ElementTree.fromstring(
        report(CHECKS, suite="http://e/metrics", profile="/srv/files/mine.yml", seconds=1.5)
    )[0]
    assert suite.attrib == {
        "name": "http://e/metrics",
        "tests": "4",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
        "time": "1.500",
    }
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    assert [[child.tag for child in case] for case in cases.values()] == [
        [],
        ["failure"],
        ["system-err"],
        ["skipped"],
    ]
    assert {case.get("classname") for case in cases.values()} == {"exporter_metrics.mine"}
    failure = cases["two"][0]
    assert failure.text == 'expected: a "b" & <c>\nobserved: bell ?, null ?, ä\nend\nhint: do it'
    assert str(failure.get("message")).startswith('two: expected a "b" & <c>, seen bell ?')
    assert suite.findtext("system-out") == ("4 checks: 1 passed, 1 failed, 1 with a warning, 1 skipped.")
