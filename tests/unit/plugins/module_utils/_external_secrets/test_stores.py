"""Which stores an external secret may read from."""

from __future__ import annotations

import pytest

from tests.unit.plugins.module_utils._external_secrets.fake_cluster import Cluster, Object, causes

CLUSTERED = {"name": "shared", "kind": "ClusterSecretStore"}


@pytest.mark.parametrize(
    ("conditions", "labels", "refused"),
    [
        pytest.param([], {}, False, id="without conditions"),
        pytest.param([{"namespaces": ["other"]}], {}, True, id="another name"),
        pytest.param(
            [{"namespaces": ["other"]}, {"namespaces": ["observability"]}], {}, False, id="its name"
        ),
        pytest.param([{"namespaceRegexes": ["^obs"]}], {}, False, id="a pattern of it"),
        pytest.param([{"namespaceRegexes": ["^team-"]}], {}, True, id="a pattern of others"),
        pytest.param([{"namespaceRegexes": [r"^team-\pL+$"]}], {}, False, id="a pattern only Go reads"),
        pytest.param(
            [{"namespaceRegexes": ["^[[:lower:]]+$"]}], {}, False, id="a pattern Go reads otherwise"
        ),
        pytest.param([{"namespaceSelector": {"matchLabels": {"a": "b"}}}], {"a": "b"}, False, id="its label"),
        pytest.param(
            [{"namespaceSelector": {"matchLabels": {"a": "b"}}}], {"a": "c"}, True, id="another label"
        ),
        pytest.param(
            [{"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}}],
            {},
            True,
            id="an expression",
        ),
        pytest.param(
            [{"namespaceSelector": {"matchLabels": {"a": "b"}}}],
            None,
            False,
            id="labels that may not be read",
        ),
    ],
)
def test_a_cluster_store_for_other_namespaces(
    conditions: list[Object], labels: dict[str, str] | None, refused: bool
) -> None:
    cluster = Cluster()
    cluster.fail()
    cluster.objects["external_secret"]["spec"]["secretStoreRef"] = CLUSTERED
    cluster.objects["shared"] = cluster.objects.pop("store")
    cluster.objects["shared"]["spec"]["conditions"] = conditions
    if labels is not None:
        cluster.objects["namespace"] = {"metadata": {"name": "observability", "labels": labels}}
    (cause,) = causes(cluster)
    assert ("ClusterSecretStore shared is not allowed from namespace observability" in cause.what) is refused


def test_the_store_of_a_single_entry_is_looked_at_too() -> None:
    cluster = Cluster()
    cluster.fail()
    cluster.objects["external_secret"]["spec"]["data"][0]["sourceRef"] = {"storeRef": {"name": "nope"}}
    (cause,) = causes(cluster)
    assert "SecretStore nope does not exist in namespace observability" in cause.what
