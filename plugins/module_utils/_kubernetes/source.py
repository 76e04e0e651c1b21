# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of modules that ask a URL, a Service or a Pod. PRIVATE: it may change at any time."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.eks_observability.stack.plugins.module_utils._http.model import (
    FetchError,
    Limits,
    Source,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._http.url import (
    UrlSource,
    basic_auth,
    tls_context,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    Kubernetes,
    connect,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.pod import Pod, PodSource
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.service import (
    Service,
    ServiceSource,
)
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

SOURCES = ("url", "service", "pod")
# With a URL these are about its server, else about the Kubernetes API.
OF_URL = ("validate_certs", "ca_cert", "client_cert", "client_key", "username", "password")


def source_spec(path: str) -> dict[str, t.Any]:
    """Argument spec of the source; `path` is where a Service or Pod of this kind answers."""
    place = {
        "namespace": {"type": "str", "required": True},
        "port": {"type": "str", "required": True},
        "scheme": {"type": "str", "choices": ["http", "https"], "default": "http"},
        "path": {"type": "str", "default": path},
    }
    return {
        "url": {"type": "str"},
        "headers": {"type": "dict", "no_log": True},
        "service": {"type": "dict", "options": {**place, "name": {"type": "str", "required": True}}},
        "pod": {
            "type": "dict",
            "options": {**place, "name": {"type": "str"}, "selector": {"type": "str"}},
            "mutually_exclusive": [("name", "selector")],
            "required_one_of": [("name", "selector")],
        },
        **AUTH_ARG_SPEC,
    }


SOURCE_RULES: dict[str, t.Any] = {"mutually_exclusive": [SOURCES], "required_one_of": [SOURCES]}


def open_source(params: Mapping[str, t.Any], limits: Limits) -> tuple[Source, Kubernetes | None]:
    """The source that the options name, and the cluster behind it where it is a Service or a Pod.

    Raises FetchError and KubernetesError.
    """
    if params["url"]:
        return _url_source(params, limits), None
    cluster = connect(params, limits.seconds)
    if params["service"]:
        return ServiceSource(cluster.ask, Service(**params["service"]), limits), cluster
    if params.get("impersonate_user") or params.get("impersonate_groups"):
        raise FetchError("A port-forward is always opened as the user of the kubeconfig: do not impersonate")
    headers = params["headers"] or {}
    return PodSource(cluster, cluster.forward, Pod(**params["pod"]), headers, limits), cluster


def _url_source(params: Mapping[str, t.Any], limits: Limits) -> UrlSource:
    given = {name: params.get(name) for name in OF_URL}
    username, password = given.pop("username"), given.pop("password")
    headers = dict(params["headers"] or {})
    if username:
        if any(str(name).lower() == "authorization" for name in headers):
            raise FetchError("Give either username and password or the header Authorization, not both")
        headers |= basic_auth(username, password or "")
    validate = given.pop("validate_certs")
    context = tls_context(validate_certs=validate is None or validate, **given)
    return UrlSource(params["url"], context=context, headers=headers, limits=limits)
