"""Filters on Kubernetes objects."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.eks_observability.stack.plugins.filter.kubernetes import (
    duration_seconds,
    go_duration,
    object_references,
)


class Untouchable(dict[str, t.Any]):
    """An object whose spec cannot be templated."""

    def __getitem__(self, key: str) -> t.Any:
        assert key != "spec", "the spec was looked at"
        return super().__getitem__(key)


def test_kind_and_name_are_left_and_the_last_object_comes_first() -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"a": "b"}}}
    deployment = Untouchable(
        apiVersion="apps/v1", kind="Deployment", metadata={"name": "web", "namespace": "shop"}, spec=None
    )
    assert object_references([namespace, deployment]) == [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}},
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}},
    ]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("1h", "1h0m0s"),
        ("15m", "15m0s"),
        ("45s", "45s"),
        ("90s", "1m30s"),
        ("1h30m", "1h30m0s"),
        ("1.5h", "1h30m0s"),
        ("1500ms", "1.5s"),
        ("100h", "100h0m0s"),
        ("1h0m0s", "1h0m0s"),
        ("0", "0s"),
        ("0s", "0s"),
    ],
)
def test_duration_is_what_go_writes_back(text: str, written: str) -> None:
    assert go_duration(text) == written
    assert go_duration(written) == written


@pytest.mark.parametrize("text", ["", "soon", "1", "1d", "-1h", "1h ", "1 h", "10ms"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(AnsibleFilterError, match="go_duration"):
        go_duration(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("1m30s", 90), ("1h", 3600), ("1d", 86400), ("1w", 604800), ("500ms", 0.5), ("0", 0)],
)
def test_duration_is_a_number_of_seconds(text: str, seconds: float) -> None:
    assert duration_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "30", "-1s", "1 m"])
def test_what_prometheus_does_not_read_is_refused(text: str) -> None:
    with pytest.raises(AnsibleFilterError, match="duration_seconds"):
        duration_seconds(text)
