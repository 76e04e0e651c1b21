"""The comparison sees what it is there to see, and only what is declared escapes it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.conformance.comparison import ABSENT, Comparison, Declared, Difference, undeclared
from tests.conformance.exchange import Answer

UID = "11111111-2222-3333-4444-555555555555"
OTHER_UID = "66666666-7777-8888-9999-000000000000"
OBJECT = {
    "kind": "ConfigMap",
    "metadata": {
        "name": "c",
        "uid": UID,
        "resourceVersion": "7",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "labels": {"a": "b"},
    },
    "data": {"a": "1", "list": [1, 2]},
}


def answer(body: Any = None, **changes: Any) -> Answer:
    """An answer with an object."""
    fields = {"status": 200, "media": "application/json", "warnings": []}
    return Answer(**{**fields, "body": copy.deepcopy(body or OBJECT), **changes})


def doctored(path: str, value: Any) -> Answer:
    """An answer whose object has another value at a dotted path; ABSENT removes the field."""
    result = answer()
    *parents, last = path.split(".")
    node = result.body
    for name in parents:
        node = node[name]
    if value is ABSENT:
        del node[last]
    else:
        node[last] = value
    return result


def places(real: Answer, embedded: Answer) -> list[str]:
    return [difference.place for difference in Comparison().differences(real, embedded)]


def test_equal_answers_have_no_differences() -> None:
    assert places(answer(), answer()) == []


@pytest.mark.parametrize(
    ("other", "place"),
    [
        pytest.param(answer(status=201), "status", id="another status"),
        pytest.param(answer(media="text/plain"), "media", id="another content type"),
        pytest.param(answer(warnings=['299 - "careful"']), "warnings.0", id="a warning"),
        pytest.param(doctored("data.a", "2"), "body.data.a", id="another value"),
        pytest.param(doctored("data.a", 1), "body.data.a", id="another type"),
        pytest.param(doctored("data.list", [1, True]), "body.data.list.1", id="true instead of 1 or 2"),
        pytest.param(doctored("data.list", [1]), "body.data.list.1", id="a shorter list"),
        pytest.param(doctored("data.list", [2, 1]), "body.data.list.0", id="another order"),
        pytest.param(doctored("data.b", "2"), "body.data.b", id="a field too many"),
        pytest.param(doctored("data.b", None), "body.data.b", id="null is not absent"),
        pytest.param(doctored("metadata.labels", ABSENT), "body.metadata.labels", id="a missing field"),
        pytest.param(doctored("metadata.uid", ABSENT), "body.metadata.uid", id="a missing uid"),
        pytest.param(doctored("metadata.uid", "1"), "body.metadata.uid", id="a malformed uid"),
        pytest.param(
            doctored("metadata.resourceVersion", ABSENT),
            "body.metadata.resourceVersion",
            id="a missing version",
        ),
        pytest.param(
            doctored("metadata.resourceVersion", "v7"),
            "body.metadata.resourceVersion",
            id="a malformed version",
        ),
        pytest.param(
            doctored("metadata.creationTimestamp", "today"),
            "body.metadata.creationTimestamp",
            id="a malformed time",
        ),
    ],
)
def test_a_doctored_answer_is_seen(other: Answer, place: str) -> None:
    assert place in places(answer(), other)
    assert place in places(other, answer())


def test_values_that_each_server_makes_up_may_differ() -> None:
    other = doctored("metadata.uid", OTHER_UID)
    other.body["metadata"] |= {"resourceVersion": "123", "creationTimestamp": "2026-02-02T02:02:02Z"}
    assert places(answer(), other) == []


def test_a_version_that_moves_on_one_side_only_is_seen() -> None:
    comparison = Comparison()
    assert comparison.differences(answer(), answer()) == []
    (found,) = comparison.differences(answer(), doctored("metadata.resourceVersion", "8"))
    assert found.place == "body.metadata.resourceVersion"


def test_an_object_that_is_replaced_on_one_side_only_is_seen() -> None:
    comparison = Comparison()
    comparison.differences(answer(), answer())
    found = comparison.differences(answer(), doctored("metadata.uid", OTHER_UID))
    assert "body.metadata.uid" in [difference.place for difference in found]


def test_uids_and_generated_names_are_known_in_messages() -> None:
    comparison = Comparison()
    sides = [(UID, "job-bcdfg"), (OTHER_UID, "job-zxwvt")]
    created = [{"metadata": {"uid": uid, "name": name, "generateName": "job-"}} for uid, name in sides]
    assert comparison.differences(*map(answer, created)) == []
    messages = [{"message": f"{name} is {uid}"} for uid, name in sides]
    assert comparison.differences(*map(answer, messages)) == []
    assert places(*map(answer, messages)) == ["body.message"]


def test_a_name_that_was_not_generated_is_no_generated_name() -> None:
    bodies = [
        {"metadata": {"uid": UID, "name": name, "generateName": "job-"}} for name in ("job-bcdfg", "job-x")
    ]
    assert places(*map(answer, bodies)) == ["body.metadata.name"]


def test_what_a_controller_wrote_meanwhile_is_left_out() -> None:
    real = answer()
    real.body["status"] = {"replicas": 1}
    real.body["metadata"] |= {"resourceVersion": "9", "annotations": {"revision": "1", "kept": "yes"}}
    fields = {"f:status": {"f:replicas": {}}, "f:metadata": {"f:annotations": {"f:revision": {}}}}
    real.body["metadata"]["managedFields"] = [
        {"manager": "kube-controller-manager", "subresource": "status", "fieldsV1": fields}
    ]
    other = answer()
    other.body["metadata"] |= {"managedFields": [], "annotations": {"kept": "yes"}}
    assert places(real, other) == []
    other.body["metadata"]["annotations"] = {}
    assert places(real, other) == ["body.metadata.annotations.kept"]


def test_what_somebody_else_wrote_into_a_status_is_compared() -> None:
    real = answer()
    real.body["status"] = {"replicas": 1}
    real.body["metadata"]["managedFields"] = [
        {"manager": "tests", "subresource": "status", "fieldsV1": {"f:status": {"f:replicas": {}}}}
    ]
    assert "body.status" in places(real, answer())


class TestManagers:
    @staticmethod
    def managed(*managers: str) -> Answer:
        entries = [{"manager": name, "operation": "Update", "apiVersion": "v1"} for name in managers]
        return answer({"metadata": {"managedFields": entries}})

    def test_the_order_of_managers_is_none(self) -> None:
        assert places(self.managed("a", "b"), self.managed("b", "a")) == []

    def test_a_program_may_be_called_after_its_version(self) -> None:
        assert places(self.managed("kube-apiserver-1.37.2"), self.managed("kube-apiserver")) == []

    @pytest.mark.parametrize("other", ["b", "kube-controller-manager"])
    def test_another_manager_is_seen(self, other: str) -> None:
        found = places(self.managed("kube-apiserver"), self.managed(other))
        assert found == ["body.metadata.managedFields.0.manager"]


class TestCauses:
    A = ("spec.a", "Required value")
    B = ("spec.b", "Invalid value: 1: too small")

    @staticmethod
    def refusal(*causes: tuple[str, str], subject: str = "Thing is invalid") -> Answer:
        named = [{"field": field, "message": text, "reason": text[:7]} for field, text in causes]
        message = ", ".join(f"{field}: {text}" for field, text in causes)
        return answer({"message": f"{subject}: [{message}]", "details": {"causes": named}}, status=422)

    def test_their_order_is_none(self) -> None:
        assert places(self.refusal(self.A, self.B), self.refusal(self.B, self.A)) == []

    @pytest.mark.parametrize(
        "other",
        [
            pytest.param((A,), id="a missing one"),
            pytest.param((A, ("spec.c", "Invalid value: 1: too small")), id="another field"),
            pytest.param((A, ("spec.b", "Invalid value: 1: too large")), id="another text"),
        ],
    )
    def test_another_one_is_seen(self, other: tuple[tuple[str, str], ...]) -> None:
        assert any(
            "causes.spec.b" in place for place in places(self.refusal(self.A, self.B), self.refusal(*other))
        )

    def test_another_message_is_seen(self) -> None:
        other = self.refusal(self.A, subject="Nothing is invalid")
        assert places(self.refusal(self.A), other) == ["body.message"]


def test_what_only_one_discovers_does_not_shift_the_rest() -> None:
    lists = [answer({"resources": [{"name": name} for name in names]}) for names in ("ab", "b")]
    assert places(*lists) == ["body.resources.a"]


class TestDeclared:
    ENTRY = Declared("why", "group: *", "body.minor", r'"3\d"', '"36"', since=35, until=37)

    @pytest.mark.parametrize(
        ("request_id", "difference"),
        [
            pytest.param("other: a", Difference("body.minor", '"37"', '"36"'), id="of another request"),
            pytest.param("group: a", Difference("body.major", '"37"', '"36"'), id="at another place"),
            pytest.param("group: a", Difference("body.minor", '"40"', '"36"'), id="of another real value"),
            pytest.param(
                "group: a", Difference("body.minor", '"37"', '"35"'), id="of another embedded value"
            ),
            pytest.param("group: a", Difference("body.minor", '"37"', ABSENT), id="of an absent value"),
        ],
    )
    def test_nothing_else_is_covered(self, request_id: str, difference: Difference) -> None:
        assert undeclared(request_id, [difference], [self.ENTRY]) == [difference]

    def test_it_is_covered(self) -> None:
        assert undeclared("group: a", [Difference("body.minor", '"37"', '"36"')], [self.ENTRY]) == []

    @pytest.mark.parametrize(("minor", "concerned"), [(34, False), (35, True), (37, True), (38, False)])
    def test_it_concerns_the_versions_that_are_named(self, minor: int, concerned: bool) -> None:
        assert self.ENTRY.concerns(minor) is concerned
