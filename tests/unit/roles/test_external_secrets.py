"""What the role external_secrets makes of its inputs, without a cluster."""

from __future__ import annotations

import functools
import operator
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLE = Path(__file__).parents[3] / "roles/external_secrets"
STACK = {"inventory_hostname": "aurora", "stack_region": "eu-west-1", "stack_namespace": "shop"}
SHARED = {"external_secrets_store_kind": "ClusterSecretStore"}


@functools.cache
def inputs_and_variables() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in ("defaults", "vars"):
        found |= DataLoader().load_from_file(str(ROLE / part / "main.yml"), trusted_as_template=True)
    return found


def rendered(name: str, *path: str | int, **variables: Any) -> Any:
    """A variable of the role, or the part of it at a path; other parts are not looked at."""
    found = STACK | inputs_and_variables() | variables
    part_of_it = functools.reduce(operator.getitem, path, found[name])
    return Templar(loader=DataLoader(), variables=found).template(part_of_it)


def templated(text: str, **variables: Any) -> Any:
    """What a text of a task comes to."""
    return rendered("text", text=trust_as_template(text), **variables)


def task(file: str, name: str) -> dict[str, Any]:
    tasks = yaml.safe_load((ROLE / "tasks" / file).read_text())
    (found,) = [one for one in tasks if one["name"].endswith(f"| {name}")]
    return dict(found)


def goes_on(file: str, name: str, **variables: Any) -> bool:
    """Whether the task, an assert, passes; Ansible renders its message in any case."""
    asserted = task(file, name)["ansible.builtin.assert"]
    assert templated(asserted["fail_msg"], **variables)
    return bool(templated("{{ " + asserted["that"] + " }}", **variables))


def test_a_store_of_the_stack_is_in_its_namespace() -> None:
    store = rendered("__external_secrets_objects", 0)
    assert (store["kind"], store["metadata"]["namespace"]) == ("SecretStore", "shop")
    assert "conditions" not in store["spec"]
    assert store["spec"]["provider"]["aws"]["auth"]["jwt"]["serviceAccountRef"] == {"name": "aurora-access"}


@pytest.mark.parametrize(
    ("others", "admitted"),
    [
        pytest.param([], ["shop"], id="the stack's own alone"),
        pytest.param(["web"], ["shop", "web"], id="and one more"),
        pytest.param(["shop", "web"], ["shop", "web"], id="each once"),
    ],
)
def test_a_shared_store_admits_named_namespaces_only(others: list[str], admitted: list[str]) -> None:
    store = rendered("__external_secrets_objects", 0, **SHARED, external_secrets_store_namespaces=others)
    assert "namespace" not in store["metadata"]
    assert store["spec"]["conditions"] == [{"namespaces": admitted}]
    account = store["spec"]["provider"]["aws"]["auth"]["jwt"]["serviceAccountRef"]
    assert account == {"name": "aurora-access", "namespace": "shop"}


def test_shared_stores_of_two_namespaces_differ_in_name() -> None:
    names = {
        rendered("external_secrets_store", **SHARED, stack_namespace=namespace) for namespace in ("a", "b")
    }
    assert names == {"a-aurora-secret-store", "b-aurora-secret-store"}


def test_external_secrets_name_the_store_as_it_is() -> None:
    store = rendered("__external_secrets_objects", 0, **SHARED)
    reference = {"kind": store["kind"], "name": store["metadata"]["name"]}
    assert rendered("__external_secrets_spec", "secretStoreRef", **SHARED) == reference


def test_stacks_with_different_stores_want_the_same_of_a_shared_release() -> None:
    values = [rendered("__external_secrets_chart_values", **stack) for stack in ({}, SHARED)]
    assert values[0] == values[1]
    assert values[0]["processClusterStore"] is True
    assert rendered("__external_secrets_scope_values")["processClusterStore"] is False


NO_RELEASE: dict[str, Any] = {"changed": False}
FOR_ALL: dict[str, Any] = {"status": {"release_values": {}}}
WITHOUT_VALUES: dict[str, Any] = {"status": {"release_values": None}}
NOTHING: dict[str, Any] = {"skipped": True}


def scoped(namespace: str, key: str = "release_values") -> dict[str, Any]:
    return {"status": {key: {"scopedNamespace": namespace}}}


def left(*namespaces: str | None) -> dict[str, Any]:
    return {"leftovers": [{"kind": "ExternalSecret", "name": "x", "namespace": one} for one in namespaces]}


@pytest.mark.parametrize(
    ("release", "objects", "accepted"),
    [
        pytest.param(NO_RELEASE, NOTHING, True, id="no release"),
        pytest.param(scoped("shop"), NOTHING, True, id="release for this namespace"),
        pytest.param(scoped("shop", "values"), NOTHING, True, id="as an older kubernetes.core says it"),
        pytest.param(scoped("web"), NOTHING, False, id="release for another"),
        pytest.param(FOR_ALL, left("shop", "web"), False, id="release for all that another uses"),
        pytest.param(FOR_ALL, left("shop", None), False, id="release for all with a shared store"),
        pytest.param(WITHOUT_VALUES, left("web"), False, id="release as the chart has it"),
        pytest.param(FOR_ALL, left("shop"), True, id="release for all that nobody else uses"),
    ],
)
def test_a_scoped_release_is_taken_from_nobody(
    release: dict[str, Any], objects: dict[str, Any], accepted: bool
) -> None:
    seen = {"__external_secrets_release_now": release, "__external_secrets_left": objects}
    assert goes_on("install.yml", "Refuse to take it away from another namespace", **seen) is accepted
    if not accepted:
        assert "external_secrets_scoped: false" in str(rendered("__external_secrets_scope_way_out", **seen))


@pytest.mark.parametrize(
    ("other", "accepted"),
    [
        pytest.param(None, True, id="one that installs nothing"),
        pytest.param({"release": ["a", "eso"], "scope": "namespace shop"}, True, id="one of this namespace"),
        pytest.param({"release": ["a", "eso"], "scope": "namespace web"}, False, id="one of another"),
        pytest.param({"release": ["a", "eso"], "scope": "all namespaces"}, False, id="one for all"),
        pytest.param({"release": ["a", "own"], "scope": "namespace web"}, True, id="a release of its own"),
        pytest.param({"release": ["b", "eso"], "scope": "namespace web"}, True, id="another cluster"),
    ],
)
def test_stacks_of_a_run_agree_on_the_scope_of_a_release(
    other: dict[str, Any] | None, accepted: bool
) -> None:
    own = {"release": ["a", "eso"], "scope": "namespace shop"}
    hosts = {"aurora": {"__external_secrets_claim": own}, "orders": {"__external_secrets_claim": other}}
    if other is None:
        hosts["orders"] = {}
    assert (
        goes_on(
            "preflight.yml",
            "Refuse one release for two scopes",
            hostvars=hosts,
            ansible_play_hosts_all=list(hosts),
            __external_secrets_claim=own,
        )
        is accepted
    )


@pytest.mark.parametrize(
    ("environment", "same"),
    [
        pytest.param({"KUBECONFIG": "/a", "AWS_PROFILE": "two"}, True, id="another account"),
        pytest.param({"KUBECONFIG": "/b", "AWS_PROFILE": "one"}, False, id="another cluster"),
        pytest.param({"KUBECONFIG": "/a", "K8S_AUTH_CONTEXT": "b"}, False, id="another context"),
    ],
)
def test_a_release_is_known_by_its_cluster(environment: dict[str, str], same: bool) -> None:
    here = {"KUBECONFIG": "/a", "AWS_PROFILE": "one"}
    ids = [
        rendered("__external_secrets_release_id", stack_process_environment=one)
        for one in (here, environment)
    ]
    assert (ids[0] == ids[1]) is same


def test_stacks_install_a_release_one_after_the_other() -> None:
    assert task("install.yml", "Have External Secrets")["throttle"] == 1


@pytest.mark.parametrize(
    ("inputs", "namespace"),
    [
        pytest.param({}, "", id="for all namespaces"),
        pytest.param({"external_secrets_scoped": True}, "", id="scoped, and the definitions go with it"),
        pytest.param(
            {"external_secrets_scoped": True, "external_secrets_chart_values": {"installCRDs": False}},
            "shop",
            id="scoped, and the definitions stay",
        ),
        pytest.param({"external_secrets_chart_values": {"installCRDs": False}}, "", id="not scoped"),
    ],
)
def test_who_keeps_a_release_from_going(inputs: dict[str, Any], namespace: str) -> None:
    assert rendered("__external_secrets_served_namespace", **inputs) == namespace


PERIODIC, ONCE = {"external_secrets_refresh_policy": "Periodic"}, "CreatedOnce"
ZERO = {"external_secrets_refresh_interval": "0"}
CHANGES = {"external_secrets_refresh_policy": "OnChange"}
ROTATED = {"secrets_exporter_rotation": {"lambda_arn": "arn:aws:lambda:eu-west-1:123456789012:function:r"}}


def there(policy: str, interval: str = "1h0m0s", name: str = "aurora-credentials") -> dict[str, Any]:
    spec = {"refreshPolicy": policy, "refreshInterval": interval}
    return {"metadata": {"name": name}, "spec": spec}


@pytest.mark.parametrize(
    ("inputs", "found", "accepted"),
    [
        pytest.param(PERIODIC, [there("Periodic")], True, id="read again"),
        pytest.param(CHANGES, [there("OnChange", "0s")], True, id="read again when it is asked for"),
        pytest.param({"external_secrets_refresh_policy": ONCE}, [], False, id="CreatedOnce asked for"),
        pytest.param(PERIODIC, [there(ONCE)], False, id="CreatedOnce in the cluster"),
        pytest.param(ZERO, [], False, id="interval 0 asked for"),
        pytest.param(PERIODIC, [there("Periodic", "0s")], False, id="interval 0 in the cluster"),
        pytest.param(PERIODIC, [there(ONCE, name="copy")], True, id="somebody else's"),
    ],
)
def test_nothing_is_rotated_that_would_not_arrive(
    inputs: dict[str, Any], found: list[dict[str, Any]], accepted: bool
) -> None:
    assert (
        goes_on(
            "refreshable.yml",
            "Refuse what is never read again",
            **inputs,
            __external_secrets_found={"resources": found},
        )
        is accepted
    )


def test_a_rotation_asks_that_first() -> None:
    rotate = yaml.safe_load((ROLE.parents[1] / "playbooks/rotate.yml").read_text())
    assert rotate[0]["tasks"][0]["ansible.builtin.import_role"] == {
        "name": "eks_observability.stack.external_secrets",
        "tasks_from": "refreshable",
    }


@pytest.mark.parametrize(
    ("inputs", "accepted"),
    [
        pytest.param(CHANGES, True, id="no rotation"),
        pytest.param(ROTATED, True, id="rotation, and read again"),
        pytest.param(ROTATED | CHANGES, False, id="OnChange"),
        pytest.param(ROTATED | {"external_secrets_refresh_policy": ONCE}, False, id="CreatedOnce"),
        pytest.param(ROTATED | ZERO, False, id="interval 0"),
        pytest.param(
            CHANGES | {"secrets_application_rotation": {"automatically_after_days": 1}}, False, id="of both"
        ),
    ],
)
def test_what_aws_rotates_is_read_again(inputs: dict[str, Any], accepted: bool) -> None:
    assert goes_on("preflight.yml", "Refuse to keep a password that AWS rotates", **inputs) is accepted


def store_of(account: dict[str, str]) -> dict[str, Any]:
    return {"spec": {"provider": {"aws": {"auth": {"jwt": {"serviceAccountRef": account}}}}}}


@pytest.mark.parametrize(
    ("look", "goes"),
    [
        pytest.param({"resources": [store_of({"name": "a", "namespace": "shop"})]}, True, id="ours"),
        pytest.param({"resources": [store_of({"name": "a"})]}, True, id="in our namespace"),
        pytest.param({"resources": [store_of({"name": "a", "namespace": "web"})]}, False, id="another's"),
        pytest.param({"resources": [{"spec": {"provider": {"vault": {}}}}]}, False, id="of no account"),
        pytest.param({"resources": []}, False, id="none"),
        pytest.param({"failed": True, "msg": "Forbidden"}, False, id="not to be seen"),
    ],
)
def test_a_former_store_goes_where_it_is_ours(look: dict[str, Any], goes: bool) -> None:
    condition = "{{ " + task("former.yml", "Have it gone")["when"] + " }}"
    assert templated(condition, __external_secrets_formers=look) is goes


@pytest.mark.parametrize(
    ("now", "before"), [({}, SHARED), (SHARED, {})], ids=["it was shared", "it was not shared"]
)
def test_a_former_store_is_looked_for_where_it_was(now: dict[str, str], before: dict[str, str]) -> None:
    former, made = rendered("__external_secrets_former", **now), rendered("external_secrets_store", **before)
    kind = before.get("external_secrets_store_kind", "SecretStore")
    assert (former["kind"], former["metadata"]["name"]) == (kind, made)


NO_MATCH = "Failed to find exact match for external-secrets.io/v1.ClusterSecretStore"


@pytest.mark.parametrize(
    ("failure", "asked", "said"),
    [
        pytest.param("denied", NOTHING, "was not all|were not all", id="something else"),
        pytest.param(
            NO_MATCH,
            {"msg": "The cluster serves no version of external-secrets.io: install it"},
            "serves no version.*external_secrets_install: true",
            id="no API",
        ),
        pytest.param(
            NO_MATCH, {"external_secrets": []}, "crds.createClusterSecretStore", id="all are synced"
        ),
        pytest.param(
            NO_MATCH,
            {"msg": "Not in sync after 0 s: it does not exist"},
            "crds.createClusterSecretStore",
            id="none yet",
        ),
    ],
)
def test_why_nothing_was_applied(failure: str, asked: dict[str, Any], said: str) -> None:
    message = rendered(
        "__external_secrets_why_not_applied",
        **SHARED,
        ansible_failed_result={"msg": failure},
        __external_secrets_asked=asked,
    )
    assert re.search(said, message)
    assert ("crds." in said) is ("crds." in message)


@pytest.mark.parametrize(("served", "left_out"), [(True, 0), (False, 1)], ids=["served", "not served"])
def test_a_store_of_a_missing_kind_keeps_nothing_from_going(served: bool, left_out: int) -> None:
    made = ["store", "exporter", "application"]
    seen = {"__external_secrets_stores": {"api_found": served}, "__external_secrets_objects": made}
    assert rendered("__external_secrets_removed", **seen) == made[left_out:]


@pytest.mark.parametrize(
    ("found", "accepted"),
    [
        pytest.param([], True, id="gone"),
        pytest.param([there("Periodic", name="copy")], True, id="somebody else's"),
        pytest.param([there("Periodic")], False, id="still there"),
    ],
)
def test_gitops_has_removed_before_a_removal_goes_on(found: list[dict[str, Any]], accepted: bool) -> None:
    assert (
        goes_on(
            "absent.yml",
            "Refuse to go on until GitOps has applied the removal",
            __external_secrets_found={"resources": found},
        )
        is accepted
    )


def test_manifests_are_named_by_kind_and_name() -> None:
    assert rendered("__external_secrets_files", external_secrets_manifests="/gitops") == [
        "/gitops/secretstore-aurora-secret-store.yaml",
        "/gitops/externalsecret-aurora-credentials.yaml",
        "/gitops/externalsecret-aurora-app-credentials.yaml",
    ]


@pytest.mark.parametrize("whose", ["exporter", "application"])
def test_braces_of_templates_are_kept(whose: str) -> None:
    assert rendered(f"__external_secrets_{whose}_data")["password"] == "{{ .password }}"


def test_no_annotation_is_no_field() -> None:
    assert "annotations" not in rendered("__external_secrets_secret_metadata")
    given = {"reloader.stakater.com/match": "true"}
    metadata = rendered("__external_secrets_secret_metadata", external_secrets_secret_annotations=given)
    assert metadata["annotations"] == given
