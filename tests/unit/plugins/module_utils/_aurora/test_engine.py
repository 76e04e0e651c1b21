"""Engine versions."""

from __future__ import annotations

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora import engine
from ansible_collections.eks_observability.stack.plugins.module_utils._aurora.errors import AuroraError

OFFERED = ["16.9", "17.4", "17.10", "17.9", "18.1"]


@pytest.mark.parametrize(
    ("wish", "version", "met"),
    [
        pytest.param("17", "17.5", True, id="a major is met by its minors"),
        pytest.param("17.5", "17.5", True, id="an exact version by itself"),
        pytest.param("17.5", "17.6", False, id="an exact version by no other"),
        pytest.param("1", "17.5", False, id="a major is not a prefix of text"),
        pytest.param("17.1", "17.10", False, id="nor is a minor"),
    ],
)
def test_matches(wish: str, version: str, met: bool) -> None:
    assert engine.matches(wish, version) is met


def test_a_major_resolves_to_its_newest_minor_by_number() -> None:
    assert engine.newest("17", OFFERED) == "17.10"


def test_a_version_that_is_not_offered_is_refused_with_those_that_are() -> None:
    with pytest.raises(AuroraError, match=r"15 is not offered .* 16\.9, 17\.4, 17\.9, 17\.10, 18\.1"):
        engine.newest("15", OFFERED)


def test_only_plain_available_versions_count() -> None:
    described = [
        {"EngineVersion": "16.4-limitless", "Status": "available"},
        {"EngineVersion": "16.8", "Status": "deprecated"},
        {"EngineVersion": "16.9"},
    ]
    assert engine.available(described) == ["16.9"]


TARGETS = [
    {"EngineVersion": "16.10", "IsMajorVersionUpgrade": False},
    {"EngineVersion": "16.13", "IsMajorVersionUpgrade": False},
    {"EngineVersion": "17.5", "IsMajorVersionUpgrade": True},
]


def test_a_minor_upgrade_goes_where_it_was_sent() -> None:
    assert engine.upgrade("16.10", "16.9", TARGETS) == "16.10"


@pytest.mark.parametrize(
    "wish",
    [
        pytest.param("16.8", id="a downgrade"),
        pytest.param("16.99", id="a version that does not exist"),
        pytest.param("17", id="another major"),
    ],
)
def test_what_cannot_be_reached_is_refused_with_the_targets(wish: str) -> None:
    with pytest.raises(AuroraError, match=r"from 16\.9.* Choose 16\.9 or one of: 16\.10, 16\.13"):
        engine.upgrade(wish, "16.9", TARGETS)
