"""One embedded server for all tests of this directory; each test has a namespace of its own."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from lab.certificates import Authority
from lab.kubernetes import Kubernetes, open_kubernetes
from lab.settings import Settings

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    code: int
    body: Any
    warnings: list[str] = field(default_factory=list)

    @property
    def outcome(self) -> tuple[int, str]:
        """Code, and the reason of a Status."""
        return self.code, self.body.get("reason", "") if isinstance(self.body, dict) else ""

    @property
    def causes(self) -> list[tuple[str, str]]:
        """Field and reason of every cause of a Status."""
        return [(cause["field"], cause["reason"]) for cause in self.body["details"]["causes"]]


class Api:
    """Plain HTTP as one user."""

    def __init__(self, kubeconfig: Path, authority: Path) -> None:
        document = yaml.safe_load(kubeconfig.read_text())
        self.server = document["clusters"][0]["cluster"]["server"]
        self.session = requests.Session()
        # Else REQUESTS_CA_BUNDLE of the environment would win over `verify`.
        self.session.trust_env = False
        self.session.verify = str(authority)
        self.session.headers["Authorization"] = f"Bearer {document['users'][0]['user']['token']}"
        self.session.headers["User-Agent"] = "tests/1"

    def call(
        self, method: str, path: str, body: Any = None, media: str = "application/json", **parameters: Any
    ) -> Answer:
        """One request; `parameters` become the query."""
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        response = self.session.request(
            method,
            self.server + path,
            params=parameters,
            data=content,
            headers={"Content-Type": media},
            timeout=10,
        )
        warnings = response.headers.get("Warning")
        is_json = "json" in response.headers.get("Content-Type", "")
        return Answer(
            response.status_code,
            response.json() if is_json else response.text,
            [warnings] if warnings else [],
        )

    def get(self, path: str, **parameters: Any) -> Answer:
        """GET."""
        return self.call("GET", path, **parameters)

    def post(self, path: str, body: Any, **parameters: Any) -> Answer:
        """POST."""
        return self.call("POST", path, body, **parameters)

    def put(self, path: str, body: Any, **parameters: Any) -> Answer:
        """PUT."""
        return self.call("PUT", path, body, **parameters)

    def delete(self, path: str, body: Any = None, **parameters: Any) -> Answer:
        """DELETE."""
        return self.call("DELETE", path, body, **parameters)

    def merge(self, path: str, body: Any, **parameters: Any) -> Answer:
        """JSON merge patch."""
        return self.call("PATCH", path, body, "application/merge-patch+json", **parameters)

    def strategic(self, path: str, body: Any, **parameters: Any) -> Answer:
        """Strategic merge patch."""
        return self.call("PATCH", path, body, "application/strategic-merge-patch+json", **parameters)

    def json_patch(self, path: str, body: Any, **parameters: Any) -> Answer:
        """JSON patch."""
        return self.call("PATCH", path, body, "application/json-patch+json", **parameters)

    def apply(self, path: str, body: Any, **parameters: Any) -> Answer:
        """Server-side apply."""
        return self.call("PATCH", path, body, "application/apply-patch+yaml", **parameters)


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """State directory of the laboratory."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="session")
def settings(state: Path) -> Settings:
    """Settings of the laboratory."""
    return Settings(state=state)


@pytest.fixture(scope="session")
def kubernetes(settings: Settings) -> Iterator[Kubernetes]:
    """The running server."""
    server = open_kubernetes(settings, Authority.create(settings.state / "certificates"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def api_of(kubernetes: Kubernetes) -> Callable[[str], Api]:
    """The API as a user by name."""
    return lambda user: Api(kubernetes.kubeconfig_for(user), kubernetes.authority)


@pytest.fixture(scope="session")
def api(api_of: Callable[[str], Api]) -> Api:
    """The API as the administrator."""
    return api_of("lab-admin")


@pytest.fixture
def namespace(api: Api) -> str:
    """A namespace for one test."""
    name = f"test-{next(_numbers)}"
    assert api.post("/api/v1/namespaces", {"metadata": {"name": name}}).code == 201
    return name


@pytest.fixture
def core(namespace: str) -> str:
    """Path of the core kinds in the test's namespace."""
    return f"/api/v1/namespaces/{namespace}"


@pytest.fixture
def apps(namespace: str) -> str:
    """Path of the workloads in the test's namespace."""
    return f"/apis/apps/v1/namespaces/{namespace}"


@pytest.fixture
def deployment() -> dict[str, Any]:
    """A Deployment that uses what the roles use."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d", "labels": {"app": "d"}},
        "spec": {
            "selector": {"matchLabels": {"app": "d"}},
            "template": {
                "metadata": {"labels": {"app": "d"}},
                "spec": {
                    "containers": [
                        {
                            "name": "c",
                            "image": "registry.example/image:1",
                            "env": [
                                {"name": "A", "value": "1"},
                                {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "u"}}},
                            ],
                            "ports": [{"containerPort": 9187, "name": "metrics"}],
                            "readinessProbe": {"httpGet": {"path": "/", "port": "metrics"}},
                            "volumeMounts": [{"name": "v", "mountPath": "/v", "readOnly": True}],
                            "resources": {"limits": {"cpu": 0.5, "memory": "1024Mi"}},
                        }
                    ],
                    "volumes": [{"name": "v", "configMap": {"name": "c"}}],
                },
            },
        },
    }
