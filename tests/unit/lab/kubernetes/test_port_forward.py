"""Port-forward, as the kubernetes library and exporter_metrics use it."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._http.model import FetchError, Limits
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.source import open_source
from kubernetes import client, config
from kubernetes.stream import portforward, ws_client
from websocket import WebSocketBadStatusException

from lab.kubernetes import Kubernetes
from tests.unit.plugins import servers

PAGE = "up 1\n"
LIMITS = Limits(size=1_000_000, seconds=2)
STOP = threading.Event()


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """What a module loads is its process' default from then on, and other tests ask other clusters."""
    yield
    client.Configuration.set_default(None)


@pytest.fixture
def exporter() -> Iterator[servers.Server]:
    with servers.serve(servers.page(PAGE)) as server:
        yield server


@pytest.fixture
def port(exporter: servers.Server) -> int:
    return int(exporter.url.rpartition(":")[2])


@pytest.fixture
def pod(api: Any, core: str, port: int) -> str:
    """A pod that is ready and listens on the port of the exporter."""
    run_pod(api, core, "p", port)
    return "p"


def run_pod(api: Any, core: str, name: str, port: int, ready: str = "True") -> None:
    container = {"name": "c", "image": "i:1", "ports": [{"name": "metrics", "containerPort": port}]}
    api.post(
        f"{core}/pods",
        {
            "metadata": {"name": name, "labels": {"app": "exporter"}},
            "spec": {"nodeName": "lab", "containers": [container]},
        },
    )
    conditions = [{"type": "Ready", "status": ready}]
    status = {"podIP": "127.0.0.1", "conditions": conditions}
    assert api.merge(f"{core}/pods/{name}/status", {"status": status}).code == 200


class TestProtocol:
    @pytest.fixture
    def core_api(self, kubernetes: Kubernetes) -> Iterator[Any]:
        with config.new_client_from_config(str(kubernetes.kubeconfig)) as library:
            yield client.CoreV1Api(library)

    def forwarded(self, core_api: Any, namespace: str, pod: str, *ports: int) -> Any:
        connect = core_api.connect_get_namespaced_pod_portforward
        return portforward(connect, pod, namespace, ports=",".join(map(str, ports)))

    def test_each_port_has_channels_of_its_own(
        self, core_api: Any, namespace: str, pod: str, port: int
    ) -> None:
        with servers.serve(servers.page("other 1\n")) as other:
            both = port, int(other.url.rpartition(":")[2])
            tunnel = self.forwarded(core_api, namespace, pod, *both)
            bodies = []
            for each in both:
                connection = http.client.HTTPConnection("localhost", each, timeout=10)
                connection.sock = tunnel.socket(each)
                connection.request("GET", "/metrics")
                bodies.append(connection.getresponse().read().decode())
            tunnel.close()
        assert bodies == [PAGE, "other 1\n"]

    def test_what_ends_in_the_pod_ends_here(self, core_api: Any, namespace: str, pod: str) -> None:
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
            tunnel = self.forwarded(core_api, namespace, pod, listener.getsockname()[1])
            near = tunnel.socket(listener.getsockname()[1])
            far, _address = listener.accept()
            near.sendall(b"ping")
            assert far.recv(4) == b"ping"
            far.sendall(b"last words")
            far.close()
            assert near.recv(100) == b"last words"
            assert near.recv(100) == b""

    @pytest.mark.parametrize(
        ("name", "code", "said"),
        [
            pytest.param("nope", 404, 'pods \\"nope\\" not found', id="no such pod"),
            pytest.param("pending", 400, "pod pending does not have a host assigned", id="not on a node"),
        ],
    )
    def test_a_pod_that_cannot_be_reached(
        self, api: Any, core: str, core_api: Any, namespace: str, name: str, code: int, said: str
    ) -> None:
        spec = {"containers": [{"name": "c", "image": "i:1"}]}
        api.post(f"{core}/pods", {"metadata": {"name": "pending"}, "spec": spec})
        with pytest.raises(client.ApiException) as caught:
            self.forwarded(core_api, namespace, name, 80)
        answer = caught.value.__context__
        assert isinstance(answer, WebSocketBadStatusException)
        assert answer.status_code == code
        assert said in str(answer)

    @pytest.mark.parametrize(
        ("query", "said"),
        [
            pytest.param({"ports": "80"}, "Upgrade request required", id="plain HTTP"),
            pytest.param({}, "Upgrade request required", id="no port either"),
        ],
    )
    def test_it_has_to_be_a_websocket(
        self, api: Any, core: str, pod: str, query: dict[str, str], said: str
    ) -> None:
        answer = api.get(f"{core}/pods/{pod}/portforward", **query)
        assert (answer.outcome, answer.body["message"]) == ((400, "BadRequest"), said)


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
class TestSource:
    def source(self, kubernetes: Kubernetes, namespace: str, **pod: Any) -> Any:
        """As the module opens it."""
        defaults = {"name": None, "selector": None, "port": "metrics", "scheme": "http", "path": "/metrics"}
        params = {
            "kubeconfig": str(kubernetes.kubeconfig),
            "url": None,
            "service": None,
            "headers": {"X-Scope": "tests"},
            "pod": {**defaults, "namespace": namespace, **pod},
        }
        return open_source(params, LIMITS)[0]

    @pytest.mark.parametrize(
        "which",
        [
            pytest.param({"name": "p"}, id="by name"),
            pytest.param({"selector": "app=exporter"}, id="by labels"),
        ],
    )
    def test_a_pod_is_asked(
        self, kubernetes: Kubernetes, namespace: str, pod: str, exporter: servers.Server, which: Any
    ) -> None:
        source = self.source(kubernetes, namespace, **which)
        for _time in range(2):
            response = source.fetch("", [("a", "b c")], accept="text/plain")
            assert (response.status, response.body) == (200, PAGE.encode())
        assert exporter.requests == ["/metrics?a=b+c"] * 2
        assert (exporter.headers[0]["X-Scope"], exporter.headers[0]["Accept"]) == ("tests", "text/plain")

    def test_a_port_may_be_a_number(
        self, kubernetes: Kubernetes, namespace: str, pod: str, port: int
    ) -> None:
        assert self.source(kubernetes, namespace, name=pod, port=str(port)).fetch("").body == PAGE.encode()

    def test_a_pod_that_is_not_ready_is_passed_over(
        self, kubernetes: Kubernetes, api: Any, core: str, namespace: str, pod: str
    ) -> None:
        run_pod(api, core, "z-newer", 1, ready="False")
        assert self.source(kubernetes, namespace, selector="app=exporter").fetch("").status == 200

    @pytest.mark.parametrize(
        ("which", "said"),
        [
            pytest.param({"name": "nope"}, "There is no Pod test-.*/nope", id="no such pod"),
            pytest.param({"selector": "app=nope"}, "can be asked: there is none", id="no such labels"),
            pytest.param({"selector": "app="}, r"app= in namespace.*there is none", id="empty label"),
            pytest.param({"selector": "a=b=c"}, "Could not find Pod with a=b=c", id="labels are malformed"),
            pytest.param({"name": "p", "port": "web"}, "no port of that name; its ports: metrics", id="name"),
            pytest.param({"name": "p", "port": "1"}, "refused.*nothing listens on that port", id="closed"),
        ],
    )
    def test_what_is_missing_is_named(
        self, kubernetes: Kubernetes, namespace: str, pod: str, which: dict[str, str], said: str
    ) -> None:
        with pytest.raises(FetchError, match=said):
            self.source(kubernetes, namespace, **which).fetch("")

    def test_pods_of_which_none_is_ready(
        self, kubernetes: Kubernetes, api: Any, core: str, namespace: str
    ) -> None:
        run_pod(api, core, "q", 1, ready="False")
        with pytest.raises(FetchError, match=r"none of them is ready \(q\)"):
            self.source(kubernetes, namespace, selector="app=exporter").fetch("")

    @pytest.mark.parametrize(
        ("behaviour", "said"),
        [
            pytest.param(servers.endless, "more than 1000000 bytes", id="an endless body ends at the limit"),
            pytest.param(servers.truncated(b"up 1\n"), "broke off", id="a cut answer is no answer"),
            pytest.param(servers.dripping(STOP), "within 2 s", id="a slow drip ends at the deadline"),
            pytest.param(servers.dripping(STOP, length=9000), "within 2 s", id="so does one with a length"),
            pytest.param(servers.dripping_header(STOP), "within 2 s", id="so does a drip of headers"),
        ],
    )
    def test_a_bad_answer_is_a_sentence(
        self, kubernetes: Kubernetes, api: Any, core: str, namespace: str, behaviour: Any, said: str
    ) -> None:
        with servers.serve(behaviour) as server:
            run_pod(api, core, "bad", int(server.url.rpartition(":")[2]))
            with pytest.raises(FetchError, match=said):
                self.source(kubernetes, namespace, name="bad").fetch("")

    def test_large_pages_come_whole(
        self, kubernetes: Kubernetes, api: Any, core: str, namespace: str
    ) -> None:
        body = b"# " + b"x" * 900_000 + b"\n"
        with servers.serve(servers.page(body)) as server:
            run_pod(api, core, "large", int(server.url.rpartition(":")[2]))
            assert self.source(kubernetes, namespace, name="large").fetch("").body == body

    def test_one_that_hangs_does_not_touch_the_next(
        self, kubernetes: Kubernetes, namespace: str, pod: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        source = self.source(kubernetes, namespace, name=pod)
        hangs, go_on = threading.Event(), threading.Event()
        connect = ws_client.create_websocket

        def hang(*arguments: Any, **options: Any) -> Any:
            hangs.set()
            go_on.wait()
            return connect(*arguments, **options)

        with monkeypatch.context() as patch:
            patch.setattr(ws_client, "create_websocket", hang)
            with pytest.raises(FetchError, match="within 2 s"):
                source.fetch("")
            assert hangs.wait(30)
        assert source.fetch("").body == PAGE.encode()
        go_on.set()
