"""What the API does by itself: namespaces, owners, watches."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from lab.kubernetes.embedded.kinds import Kinds
from lab.kubernetes.embedded.selectors import selection
from lab.kubernetes.embedded.store import Store
from lab.kubernetes.embedded.watching import Wish, events
from lab.waiting import wait_until


def gone(api: Any, path: str) -> bool:
    return bool(wait_until(lambda: api.get(path).code == 404, what=f"{path} to go", timeout=5, pause=0.02))


class TestNamespaces:
    def test_a_namespace_is_furnished(self, api: Any, core: str, kubernetes: Any) -> None:
        wait_until(lambda: api.get(f"{core}/serviceaccounts/default").code == 200, what="account", timeout=5)
        certificate = api.get(f"{core}/configmaps/kube-root-ca.crt").body["data"]["ca.crt"]
        assert certificate == kubernetes.authority.read_text()

    def test_what_is_deleted_of_it_comes_back(self, api: Any, core: str) -> None:
        uid = api.get(f"{core}/serviceaccounts/default").body["metadata"]["uid"]
        api.delete(f"{core}/serviceaccounts/default")

        def replaced() -> bool:
            answer = api.get(f"{core}/serviceaccounts/default")
            return answer.code == 200 and answer.body["metadata"]["uid"] != uid

        assert wait_until(replaced, what="a new account", timeout=5, pause=0.02)

    def test_it_goes_with_all_that_is_in_it(
        self, api: Any, namespace: str, core: str, apps: str, deployment: Any
    ) -> None:
        api.post(f"{core}/secrets", {"metadata": {"name": "s"}})
        api.post(f"{apps}/deployments", deployment)
        body = api.delete(f"/api/v1/namespaces/{namespace}").body
        assert (body["status"]["phase"], "deletionTimestamp" in body["metadata"]) == ("Terminating", True)
        assert gone(api, f"/api/v1/namespaces/{namespace}")
        assert api.get(f"{apps}/deployments/d").code == 404

    def test_its_own_finalizer_cannot_be_taken(self, api: Any, namespace: str) -> None:
        path = f"/api/v1/namespaces/{namespace}"
        assert api.merge(path, {"spec": {"finalizers": []}}).body["spec"] == {"finalizers": ["kubernetes"]}

    def test_nothing_new_while_it_goes(self, api: Any, namespace: str, core: str) -> None:
        api.post(f"{core}/configmaps", {"metadata": {"name": "c", "finalizers": ["a.b/c"]}})
        api.delete(f"/api/v1/namespaces/{namespace}")
        answer = api.post(f"{core}/secrets", {"metadata": {"name": "late"}})
        assert answer.outcome == (403, "Forbidden")
        assert answer.body["message"] == (
            f'secrets "late" is forbidden: unable to create new content in namespace {namespace} '
            "because it is being terminated"
        )
        api.merge(f"{core}/configmaps/c", {"metadata": {"finalizers": None}})
        assert gone(api, f"/api/v1/namespaces/{namespace}")


class TestDeletion:
    @pytest.fixture
    def going(self, api: Any, core: str) -> str:
        """An object that waits for its finalizer."""
        path = f"{core}/configmaps"
        api.post(path, {"metadata": {"name": "c", "finalizers": ["example.org/wait"]}})
        assert api.delete(f"{path}/c").code == 200
        return f"{path}/c"

    def test_a_new_one_has_to_wait(self, api: Any, core: str, going: str) -> None:
        answer = api.post(f"{core}/configmaps", {"metadata": {"name": "c"}})
        assert answer.body["message"] == 'object is being deleted: configmaps "c" already exists'

    def test_the_last_write_has_no_version_of_its_own(self, api: Any, going: str) -> None:
        before = api.get(going).body["metadata"]["resourceVersion"]
        last = api.merge(going, {"metadata": {"finalizers": None}}).body
        assert last["metadata"]["resourceVersion"] == before
        assert api.get(going).code == 404

    @pytest.mark.parametrize("name", ["uid", "resourceVersion"])
    def test_a_precondition_names_the_kind(self, api: Any, going: str, name: str) -> None:
        answer = api.delete(going, {"preconditions": {name: "1"}})
        assert answer.outcome == (409, "Conflict")
        assert answer.body["message"].startswith('Operation cannot be fulfilled on ConfigMap "c": ')


class TestOwners:
    @pytest.fixture
    def owner(self, api: Any, core: str) -> Any:
        metadata = api.post(f"{core}/configmaps", {"metadata": {"name": "owner"}}).body["metadata"]
        reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": metadata["uid"]}
        owned = {
            "metadata": {"name": "owned", "ownerReferences": [{**reference, "blockOwnerDeletion": True}]}
        }
        assert api.post(f"{core}/secrets", owned).code == 201
        return reference

    @pytest.mark.usefixtures("owner")
    def test_dependents_go_with_their_owner(self, api: Any, core: str) -> None:
        api.delete(f"{core}/configmaps/owner")
        assert gone(api, f"{core}/secrets/owned")

    @pytest.mark.usefixtures("owner")
    def test_dependents_first_where_that_is_wanted(self, api: Any, core: str) -> None:
        api.merge(f"{core}/secrets/owned", {"metadata": {"finalizers": ["a.b/c"]}})
        body = api.delete(f"{core}/configmaps/owner", {"propagationPolicy": "Foreground"}).body
        assert body["metadata"]["finalizers"] == ["foregroundDeletion"]
        api.merge(f"{core}/secrets/owned", {"metadata": {"finalizers": None}})
        assert gone(api, f"{core}/configmaps/owner")
        assert api.get(f"{core}/secrets/owned").code == 404

    @pytest.mark.usefixtures("owner")
    def test_orphans_stay_where_that_is_wanted(self, api: Any, core: str) -> None:
        api.delete(f"{core}/configmaps/owner", {"propagationPolicy": "Orphan"})
        assert gone(api, f"{core}/configmaps/owner")
        assert "ownerReferences" not in api.get(f"{core}/secrets/owned").body["metadata"]

    def test_one_of_two_owners_is_enough(self, api: Any, core: str, owner: Any) -> None:
        second = api.post(f"{core}/configmaps", {"metadata": {"name": "second"}}).body["metadata"]
        other = {**owner, "name": "second", "uid": second["uid"]}
        api.merge(f"{core}/secrets/owned", {"metadata": {"ownerReferences": [owner, other]}})
        api.delete(f"{core}/configmaps/owner")

        def owners() -> list[str]:
            references = api.get(f"{core}/secrets/owned").body["metadata"]["ownerReferences"]
            return [reference["name"] for reference in references]

        assert wait_until(lambda: owners() == ["second"], what="one owner", timeout=5, pause=0.02)

    def test_an_owner_that_never_was_owns_nothing(self, api: Any, core: str, owner: Any) -> None:
        lost = {"metadata": {"name": "lost", "ownerReferences": [{**owner, "uid": "none"}]}}
        assert api.post(f"{core}/secrets", lost).code == 201
        assert gone(api, f"{core}/secrets/lost")


class Watch:
    """Reads the lines of a watch."""

    def __init__(self, api: Any, path: str, **parameters: Any) -> None:
        self._response = api.session.get(
            api.server + path, params={"watch": "true", **parameters}, stream=True, timeout=10
        )
        self._lines = self._response.iter_lines()

    def next(self) -> tuple[str, Any]:
        event = json.loads(next(self._lines))
        return event["type"], event["object"]

    def names(self, count: int) -> list[tuple[str, str]]:
        events = [self.next() for _index in range(count)]
        return [(type_, item["metadata"]["name"]) for type_, item in events]

    def rest(self) -> list[Any]:
        return [json.loads(line) for line in self._lines]


class TestWatch:
    @pytest.fixture
    def add(self, api: Any, core: str) -> Callable[..., Any]:
        def add(name: str, **labels: str) -> Any:
            return api.post(f"{core}/secrets", {"metadata": {"name": name, "labels": labels}}).body

        return add

    def test_everything_then_changes(self, api: Any, core: str, add: Any) -> None:
        add("one")
        watch = Watch(api, f"{core}/secrets")
        assert watch.names(1) == [("ADDED", "one")]
        add("two")
        api.merge(f"{core}/secrets/one", {"metadata": {"labels": {"a": "b"}}})
        api.delete(f"{core}/secrets/one")
        assert watch.names(3) == [("ADDED", "two"), ("MODIFIED", "one"), ("DELETED", "one")]

    def test_changes_since_a_list(self, api: Any, core: str, add: Any) -> None:
        add("one")
        revision = api.get(f"{core}/secrets").body["metadata"]["resourceVersion"]
        add("two")
        watch = Watch(api, f"{core}/secrets", resourceVersion=revision, timeoutSeconds=1)
        type_, item = watch.next()
        assert (type_, item["metadata"]["name"], item["kind"]) == ("ADDED", "two", "Secret")
        assert watch.rest() == []

    def test_an_object_enters_and_leaves_a_selection(self, api: Any, core: str, add: Any) -> None:
        add("one", app="y")
        watch = Watch(api, f"{core}/secrets", labelSelector="app=x")
        add("two", app="x")
        api.merge(f"{core}/secrets/one", {"metadata": {"labels": {"app": "x"}}})
        api.merge(f"{core}/secrets/two", {"metadata": {"labels": {"app": "y"}}})
        assert watch.names(3) == [("ADDED", "two"), ("ADDED", "one"), ("DELETED", "two")]

    def test_initial_events_end_with_a_bookmark(self, api: Any, core: str, add: Any) -> None:
        add("one")
        parameters = {"sendInitialEvents": "true", "allowWatchBookmarks": "true"}
        watch = Watch(api, f"{core}/secrets", resourceVersionMatch="NotOlderThan", **parameters)
        assert watch.next()[0] == "ADDED"
        type_, item = watch.next()
        assert (type_, item["metadata"]["annotations"]) == ("BOOKMARK", {"k8s.io/initial-events-end": "true"})

    def test_all_namespaces_are_watched_at_once(self, api: Any, namespace: str, add: Any) -> None:
        revision = add("one")["metadata"]["resourceVersion"]
        watch = Watch(api, "/api/v1/secrets", resourceVersion=revision)
        add("two")
        assert watch.next()[1]["metadata"]["namespace"] == namespace

    def test_what_is_forgotten_cannot_be_watched(self) -> None:
        store = Store()
        for number in range(20_000):
            store.put(("", "secrets"), {"metadata": {"name": str(number % 10)}})
        kind = Kinds().find("", "v1", "secrets")
        wish = Wish(kind, "", selection(kind, "", ""), revision=1)

        async def first() -> Any:
            return json.loads(await anext(events(store, wish)))

        event = asyncio.run(first())
        assert (event["type"], event["object"]["code"], event["object"]["reason"]) == (
            "ERROR",
            410,
            "Expired",
        )

    def test_a_dry_run_is_not_seen(self, api: Any, core: str, add: Any) -> None:
        revision = add("one")["metadata"]["resourceVersion"]
        api.delete(f"{core}/secrets/one", dryRun="All")
        watch = Watch(api, f"{core}/secrets", resourceVersion=revision, timeoutSeconds=1)
        assert watch.rest() == []

    def test_what_leaves_a_selection_is_shown_as_it_was(self, api: Any, core: str) -> None:
        path = f"{core}/configmaps"
        created = api.post(path, {"metadata": {"name": "c", "labels": {"a": "b"}}}).body["metadata"]
        left = api.merge(f"{path}/c", {"metadata": {"labels": {"a": "c"}}}).body["metadata"]
        watch = Watch(api, path, labelSelector="a=b", resourceVersion=created["resourceVersion"])
        kind, item = watch.next()
        assert (kind, item["metadata"]["labels"]) == ("DELETED", {"a": "b"})
        assert item["metadata"]["resourceVersion"] == left["resourceVersion"]
