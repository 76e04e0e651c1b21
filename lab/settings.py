"""Where a laboratory lives and what it pretends to be."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: Who may do everything, in AWS and in Kubernetes: the user of a person's playbooks.
ADMINISTRATOR = "lab-admin"
LONGEST_STATE = 85
CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """What all parts of one laboratory agree on."""

    state: Path
    region: str = "eu-central-1"
    account: str = "123456789012"
    eks_cluster: str = "lab"
    #: Seconds that clusters and members spend in creating, modifying and deleting.
    transition_seconds: float = 0.3
    #: Kind of Kubernetes: `embedded`, `control-plane` or `kubeconfig`.
    kubernetes: str = "embedded"
    #: Versions for the kind `control-plane`, None for the usual ones.
    kubernetes_version: str | None = None
    external_secrets_version: str | None = None
    #: Context of the kubeconfig, for the kind `kubeconfig`.
    context: str | None = None
    #: Link in the checkout that points to the state; only the default laboratory has one.
    link: Path | None = None

    @classmethod
    def from_environment(
        cls, environ: Mapping[str, str] | None = None, checkout: Path = CHECKOUT
    ) -> Settings:
        """Read the variables LAB_*, of this process unless given; raises ValueError when one is wrong."""
        environ = os.environ if environ is None else environ
        given = environ.get("LAB_STATE")
        return cls(
            state=_short(Path(given).absolute()) if given else _default_state(checkout),
            transition_seconds=_seconds(environ.get("LAB_TRANSITION_SECONDS")),
            kubernetes=environ.get("LAB_KUBERNETES") or cls.kubernetes,
            kubernetes_version=environ.get("LAB_KUBERNETES_VERSION") or None,
            external_secrets_version=environ.get("LAB_EXTERNAL_SECRETS_VERSION") or None,
            context=environ.get("LAB_CONTEXT") or None,
            link=None if given else checkout / ".lab",
        )

    @property
    def eks_arn(self) -> str:
        """ARN of the EKS cluster."""
        return f"arn:aws:eks:{self.region}:{self.account}:cluster/{self.eks_cluster}"

    @property
    def issuer(self) -> str:
        """OIDC issuer of the EKS cluster, in the form that AWS gives it."""
        identity = hashlib.md5(self.eks_arn.encode(), usedforsecurity=False).hexdigest().upper()
        return f"https://oidc.eks.{self.region}.amazonaws.com/id/{identity}"

    @property
    def logs(self) -> Path:
        """Directory of all logs."""
        return self.state / "logs"

    @property
    def endpoints(self) -> Path:
        """The file that says where everything is; it exists once everything is ready."""
        return self.state / "endpoints.json"


def _short(state: Path) -> Path:
    # Unix sockets live here, and their whole paths may not exceed 107 bytes.
    if len(os.fsencode(state)) > LONGEST_STATE:
        raise ValueError(f"LAB_STATE is {state}; choose a path shorter than {LONGEST_STATE} bytes.")
    return state


def _default_state(checkout: Path) -> Path:
    # Outside of the checkout, whose path may be long.
    digest = hashlib.sha256(str(checkout).encode()).hexdigest()[:8]
    return Path("/tmp") / f"eks-observability-{os.getuid()}-{digest}"


def _seconds(text: str | None) -> float:
    if not text:
        return Settings.transition_seconds
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 3600:
        raise ValueError(f"LAB_TRANSITION_SECONDS is {text!r}; give seconds from 0 to 3600, for example 0.3.")
    return seconds
