# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

SOURCE = r"""
options:
  url:
    description:
      - Address of {whole}. Its query, if it has one, is sent with each request.
      - Credentials belong into O(headers), or into O(username) and O(password).
    type: str
  headers:
    description: Headers of each request to O(url) or O(pod).
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
        description: How the pod is asked. With V(https), its certificate is not checked.
        type: str
        choices: [http, https]
        default: http
      path:
        description: {path}.
        type: str
        default: "{default}"
  pod:
    description:
      - A Pod of the Kubernetes cluster, reached by port-forward.
      - The proxy of O(service) needs a way from the control plane to the pod, which enforced NetworkPolicies
        and security groups often close. A port-forward goes through the kubelet, for which it stays open.
    type: dict
    suboptions:
      namespace:
        description: Namespace of the Pod.
        type: str
        required: true
      name:
        description: Name of the Pod.
        type: str
      selector:
        description:
          - Labels of the Pod, as in C(app.kubernetes.io/name=postgres-exporter). Of several, the newest that
            is ready is asked.
        type: str
      port:
        description: Name or number of its port.
        type: str
        required: true
      scheme:
        description: How the pod is asked. With V(https), its certificate is not checked.
        type: str
        choices: [http, https]
        default: http
      path:
        description: {path}.
        type: str
        default: "{default}"
  username:
    description: User of O(url), by basic authentication, or of the Kubernetes API.
  password:
    description: Password of O(username).
  client_cert:
    description: Certificate to show to the server, be it O(url) or the Kubernetes API.
  client_key:
    description: Key of O(client_cert), if it is not in the same file.
  validate_certs:
    description: Whether the certificate of the server, be it O(url) or the Kubernetes API, has to be trusted.
  ca_cert:
    description: CA certificates to trust, of O(url) or of the Kubernetes API.
notes:
  - O(pod) needs the rights to C(get) and C(list) C(pods) and to C(get) and C(create) C(pods/portforward), and
    cannot be combined with O(impersonate_user) or O(impersonate_groups).
"""


class ModuleDocFragment:
    """Options of modules that ask a URL, Service or Pod; stands before kubernetes.core.k8s_auth_options."""

    # Annotated, because ansible-test's yamllint expects a literal in every assignment that is not.
    METRICS_PAGE: str = SOURCE.format(
        whole="the metrics page", path="Path of the metrics page", default="/metrics"
    )
    PROMETHEUS: str = SOURCE.format(
        whole="Prometheus, with its route prefix", path="Route prefix of Prometheus", default=""
    )
