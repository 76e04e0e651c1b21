"""What is left of an object for its removal."""

from __future__ import annotations

import typing as t

from ansible_collections.eks_observability.stack.plugins.filter.kubernetes import object_references


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
