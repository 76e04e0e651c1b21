# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

SOURCE = r"""
options:
  url:
    description: Address of {whole}. Credentials belong into O(headers).
    type: str
  headers:
    description: Headers of each request to O(url).
    type: dict
  service:
    description: A Service of the Kubernetes cluster, reached through the service proxy of its API server.
    type: dict
    suboptions:
      namespace:
        description: Namespace of the Service.
        type: str
        required: true
      name:
        description: Name of the Service.
        type: str
        required: true
      port:
        description: Name or number of its port.
        type: str
        required: true
      scheme:
        description: How the pod is asked.
        type: str
        choices: [http, https]
        default: http
      path:
        description: {path}.
        type: str
        default: "{default}"
  validate_certs:
    description: Whether the certificate of the server, be it O(url) or the Kubernetes API, has to be trusted.
  ca_cert:
    description: CA certificates to trust, of O(url) or of the Kubernetes API.
"""


class ModuleDocFragment:
    """Options of modules that ask a URL or a Service; stands before kubernetes.core.k8s_auth_options."""

    # Annotated, because ansible-test's yamllint expects a literal in every assignment that is not.
    METRICS_PAGE: str = SOURCE.format(
        whole="the metrics page", path="Path of the metrics page", default="/metrics"
    )
    PROMETHEUS: str = SOURCE.format(
        whole="Prometheus, with its route prefix", path="Route prefix of Prometheus", default=""
    )
