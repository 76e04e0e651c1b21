"""What playbooks do on a real control plane, told from the beginning to the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml
from kubernetes import client, config

from lab.processes import command_line, survivors
from lab.settings import ADMINISTRATOR
from tests.conformance.deployer import USER, deployer
from tests.e2e.laboratory import Laboratory, Run, eventually

CHECK = ("site.yml", "--check", "--diff", "-v")
#: What is the administrator's: the release of External Secrets; and check mode of what it syncs, from nothing
#: and on a built stack.
INSTALL = ("--tags", "external_secrets_install")
SYNC_FROM_NOTHING = ("--tags", "aurora,secrets,irsa,external_secrets")
SYNC = ("--tags", "external_secrets")
VERIFY = ("playbooks/verify.yml",)
#: Who runs check mode, as the API server calls them.
USERS = {"administrator": ADMINISTRATOR, "deployer": USER}
NAMESPACE = "observability"
TEARDOWN = ("playbooks/teardown.yml", "-e", "confirm=aurora")
Objects = set[tuple[str, ...]]


@dataclass(frozen=True)
class Journey:
    """One stack by a user with few rights: from an empty cluster to an empty cluster."""

    #: External Secrets by the role, on a cluster without it.
    installed: Run
    before: Objects
    empty_checks: Mapping[str, Run]
    first: Run
    second: Run
    converged_checks: Mapping[str, Run]
    verified: Run
    #: The standard that the namespace enforces, and what it says to a pod that violates it.
    enforced: str
    refused: str
    #: What no run may print.
    secrets: list[str]
    teardown: Run
    after: Objects


def journey(lab: Laboratory) -> Journey:
    """Everything is built by the user whose rights docs/kubernetes-access.yml describes.

    But for External Secrets: it is the administrator's, in check mode, too.
    """
    install = _without_external_secrets(lab)
    empty = lab.play(*CHECK, *SYNC_FROM_NOTHING, *install)
    installed = lab.play("site.yml", *INSTALL, *install)
    limited = deployer(lab)
    before = lab.everything()
    empty_limited = lab.play(*CHECK, kubeconfig=limited)
    first = lab.play("site.yml", "--diff", "-v", kubeconfig=limited)
    second = lab.play("site.yml", kubeconfig=limited)
    converged, converged_limited, verified = _side_by_side(
        lab, ((*CHECK, *SYNC, *install), None), (CHECK, limited), (VERIFY, limited)
    )
    enforced, refused, secrets = _enforced(lab), _refusal(lab), lab.secrets_in_use()
    teardown = lab.play(*TEARDOWN, kubeconfig=limited)
    return Journey(
        installed=installed,
        before=before,
        empty_checks={"administrator": empty, "deployer": empty_limited},
        first=first,
        second=second,
        converged_checks={"administrator": converged, "deployer": converged_limited},
        verified=verified,
        enforced=enforced,
        refused=refused,
        secrets=secrets,
        teardown=teardown,
        after=lab.everything(),
    )


def _without_external_secrets(lab: Laboratory) -> Sequence[str]:
    """Take the laboratory's External Secrets away; returns what lets the role install it by the chart."""
    endpoints = lab.endpoints
    helm, kubectl, chart = (Path(endpoints[name]) for name in ("helm", "kubectl", "external_secrets_chart"))
    access = ("--kubeconfig", endpoints["kubeconfig"])
    _run(helm, "uninstall", "external-secrets", "--namespace", "external-secrets", "--wait", *access)
    _run(kubectl, "delete", "namespace", "external-secrets", *access)
    _run(kubectl, "delete", "--filename", str(chart.parent / "crds"), *access)
    lab.environment["PATH"] = f"{helm.parent}:{lab.environment['PATH']}"
    asked = {
        "external_secrets_install": True,
        "external_secrets_chart": str(chart),
        "external_secrets_chart_version": yaml.safe_load((chart / "Chart.yaml").read_text())["version"],
        "external_secrets_chart_values": json.loads(Path(endpoints["external_secrets_values"]).read_text()),
    }
    return "-e", json.dumps(asked)


def _run(program: Path, *arguments: str) -> None:
    subprocess.run([program, *arguments], check=True, capture_output=True)


def _side_by_side(lab: Laboratory, *runs: tuple[Sequence[str], Path | None]) -> Sequence[Run]:
    """Runs that change nothing, each with the kubeconfig of its user."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda run: lab.play(*run[0], kubeconfig=run[1]), runs))


def _enforced(lab: Laboratory) -> str:
    labels = _core(lab).read_namespace(NAMESPACE).metadata.labels
    return str(labels["pod-security.kubernetes.io/enforce"])


def _refusal(lab: Laboratory) -> str:
    container = {"name": "a", "image": "a", "securityContext": {"privileged": True}}
    pod = {"metadata": {"name": "privileged"}, "spec": {"containers": [container]}}
    try:
        _core(lab).create_namespaced_pod(NAMESPACE, pod)
    except client.ApiException as error:
        return str(error.body)
    return "nothing: the pod was created"


def _core(lab: Laboratory) -> client.CoreV1Api:
    return client.CoreV1Api(config.new_client_from_config(lab.endpoints["kubeconfig"]))


@dataclass(frozen=True)
class Interrupted:
    """One stack, built while servers die."""

    #: Of Kubernetes and of External Secrets, as the cluster tells them.
    versions: tuple[str, str]
    #: The run in which each server died, by the server's name.
    deaths: Mapping[str, Run]
    #: The run after the last death.
    last: Run


#: Program of each server, and the task at which it is killed. Each entry is a run of its own.
DEATHS: Sequence[Mapping[str, str]] = (
    {
        "kube-controller-manager": "Service account | Have namespace and service account",
        "external-secrets": "Sync | Have the store and the external secrets",
        "operator": "Exporters | Have exporter, service and monitor",
        "etcd": "Deliver | Have the rules",
    },
    {"kube-apiserver": "Sync | Have the store and the external secrets"},
)
#: Of External Secrets: other programs in the same file.
_SUBCOMMANDS = {"webhook", "certcontroller"}


#: The one that stays away until the run is over: it comes back quicker than a playbook gives up.
AWAY = "kube-apiserver"


def interrupted_journey(lab: Laboratory) -> Interrupted:
    """Each death comes in the middle of site.yml, while its task begins."""
    deaths: dict[str, Run] = {}
    for killed in DEATHS:
        with ExitStack() as held:
            acts = {task: partial(_end, lab, name, held) for name, task in killed.items()}
            run = lab.play("site.yml", during=acts)
        deaths |= dict.fromkeys(killed, run)
        for name in killed:
            eventually(partial(alive, lab, name), f"{name} to be back", timeout=60)
        eventually(lab.answers, "the API server to answer", timeout=60)
    return Interrupted(versions=_versions(lab), deaths=deaths, last=lab.play("site.yml"))


def _end(lab: Laboratory, program: str, held: ExitStack) -> None:
    kill(lab, program)
    if program == AWAY:
        held.enter_context(_kept_away(lab, program))


@contextmanager
def _kept_away(lab: Laboratory, program: str) -> Iterator[None]:
    """Whenever the program comes back, it ends."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.2):
            for pid in alive(lab, program):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _versions(lab: Laboratory) -> tuple[str, str]:
    api = config.new_client_from_config(lab.endpoints["kubeconfig"])
    (container,) = (
        client.AppsV1Api(api)
        .read_namespaced_deployment("external-secrets", "external-secrets")
        .spec.template.spec.containers
    )
    return client.VersionApi(api).get_code().git_version, container.image.rpartition(":")[2]


def alive(lab: Laboratory, program: str) -> list[int]:
    """Process ids of a program of a laboratory; of External Secrets, without its webhook and helper."""
    commands = {pid: command_line(pid) for pid in survivors(lab.state)}
    return [
        pid
        for pid, (name, *arguments) in commands.items()
        if Path(name).name == program and not _SUBCOMMANDS & set(arguments)
    ]


def kill(lab: Laboratory, program: str) -> None:
    """End a program as the kernel does when memory is short; it must be another process afterwards."""
    victims = alive(lab, program)
    assert victims, f"no {program} runs"
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + 10
    while set(victims) & set(alive(lab, program)):
        assert time.monotonic() < end, f"{program} survived"
