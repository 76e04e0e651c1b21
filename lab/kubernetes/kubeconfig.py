"""A cluster that is already there, reached through the user's own kubeconfig. Nothing is emulated."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, config
from urllib3.exceptions import HTTPError

from lab.kubernetes.access import write_private
from lab.settings import Settings

_ANSWER_SECONDS = 10
_FILES = {
    "cluster": ("certificate-authority",),
    "user": ("client-certificate", "client-key", "tokenFile"),
}


class KubeconfigKubernetes:
    """The cluster behind one context of the user's kubeconfig (KUBECONFIG, or ~/.kube/config)."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._context = settings.context
        self._directory = settings.state / "kubeconfigs"
        self._environ = environ
        self._document: dict[str, Any] = {}
        self._client: client.ApiClient | None = None

    @property
    def server(self) -> str:
        """URL of the API."""
        return str(self._cluster()["server"])

    @property
    def authority(self) -> Path:
        """PEM file with the certificates that clients trust."""
        cluster = self._cluster()
        if "certificate-authority-data" in cluster:
            path = self._directory / "authority.crt"
            write_private(path, base64.b64decode(cluster["certificate-authority-data"]).decode())
            return path
        if "certificate-authority" in cluster:
            return Path(cluster["certificate-authority"])
        raise RuntimeError(
            f"Context {self._context} trusts no certificate authority; add one to its cluster."
        )

    @property
    def kubeconfig(self) -> Path:
        """A private kubeconfig with nothing but the chosen context."""
        return self._directory / "user.yaml"

    def start(self) -> None:
        """Check that the cluster answers; RuntimeError says what is missing."""
        self._document = _one_context(self._environ, self._context)
        write_private(self.kubeconfig, yaml.safe_dump(self._document, sort_keys=False))
        self._client = config.new_client_from_config(config_file=str(self.kubeconfig))
        try:
            client.VersionApi(self._client).get_code(_request_timeout=_ANSWER_SECONDS)
        except (client.ApiException, HTTPError) as error:
            raise RuntimeError(
                f"The cluster of context {self._context} at {self.server} does not answer: {error}. "
                "Check that it runs and that the kubeconfig's credentials are valid."
            ) from error

    def stop(self) -> None:
        """Close connections; the cluster stays as it is."""
        if self._client:
            self._client.close()
        self._client = None

    def kubeconfig_for(self, user: str) -> Path:
        """The user's own access: real operators have accounts of their own, and none is impersonated."""
        del user
        return self.kubeconfig

    def jwks(self) -> dict[str, Any]:
        """The public keys of service-account tokens, as the cluster publishes them."""
        openid = client.OpenidApi(self._client)
        published = openid.get_service_account_issuer_open_id_keyset(_preload_content=False)
        keys: dict[str, Any] = json.loads(published.data)
        return keys

    def _cluster(self) -> dict[str, Any]:
        if not self._document:
            raise RuntimeError("The cluster has not been opened; call start() first.")
        cluster: dict[str, Any] = self._document["clusters"][0]["cluster"]
        return cluster


def _one_context(environ: Mapping[str, str], name: str | None) -> dict[str, Any]:
    """A kubeconfig with one context of the user's; RuntimeError when it is not clear which one is meant."""
    home = Path(environ.get("HOME", "~")).expanduser()
    text = environ.get("KUBECONFIG") or str(home / ".kube" / "config")
    paths = [Path(part) for part in text.split(os.pathsep) if part and Path(part).exists()]
    contexts = dict(_entries(paths, "context"))
    if name not in contexts:
        said = "LAB_CONTEXT is not set" if name is None else f"The kubeconfig has no context {name!r}"
        known = ", ".join(sorted(contexts)) or f"none (looked in {text})"
        raise RuntimeError(
            f"{said}. Set LAB_CONTEXT to the cluster that the laboratory may change; contexts: {known}."
        )
    context = contexts[name]
    document: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "current-context": name}
    document["contexts"] = [{"name": name, "context": context}]
    for word in ("cluster", "user"):
        entries = dict(_entries(paths, word))
        if context[word] not in entries:
            raise RuntimeError(
                f"Context {name} of the kubeconfig refers to {word} {context[word]}, which is missing."
            )
        document[f"{word}s"] = [{"name": context[word], word: entries[context[word]]}]
    return document


def _entries(paths: list[Path], word: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Named entries of all files, the first file last so that it wins, as in kubectl."""
    for path in reversed(paths):
        loaded = yaml.safe_load(path.read_text()) or {}
        for entry in loaded.get(f"{word}s") or []:
            content = dict(entry[word])
            for name in _FILES.get(word, ()):
                if name in content:
                    content[name] = str(path.parent.absolute() / content[name])
            yield entry["name"], content
