# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of modules that ask a URL or a Kubernetes Service. PRIVATE: it may change at any time."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.eks_observability.stack.plugins.module_utils._http.model import Limits, Source
from ansible_collections.eks_observability.stack.plugins.module_utils._http.url import UrlSource, tls_context
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    Kubernetes,
    connect,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.service import (
    Service,
    ServiceSource,
)
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC


def source_spec(path: str) -> dict[str, t.Any]:
    """Argument spec of the source; `path` is where a Service of this kind answers."""
    return {
        "url": {"type": "str"},
        "headers": {"type": "dict", "no_log": True},
        "service": {
            "type": "dict",
            "options": {
                "namespace": {"type": "str", "required": True},
                "name": {"type": "str", "required": True},
                "port": {"type": "str", "required": True},
                "scheme": {"type": "str", "choices": ["http", "https"], "default": "http"},
                "path": {"type": "str", "default": path},
            },
        },
        **AUTH_ARG_SPEC,
    }


SOURCE_RULES: dict[str, t.Any] = {
    "mutually_exclusive": [("url", "service")],
    "required_one_of": [("url", "service")],
}


def open_source(params: Mapping[str, t.Any], limits: Limits) -> tuple[Source, Kubernetes | None]:
    """The source that the options name, and the cluster behind it where it is a Service.

    Raises FetchError and KubernetesError.
    """
    if params["service"]:
        cluster = connect(params, limits.seconds)
        return ServiceSource(cluster.ask, Service(**params["service"]), limits), cluster
    validate = params.get("validate_certs")
    context = tls_context(validate_certs=validate is None or validate, ca_cert=params.get("ca_cert"))
    return UrlSource(params["url"], context=context, headers=params["headers"] or {}, limits=limits), None
