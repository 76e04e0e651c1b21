"""What the environment sets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.settings import Settings

CHECKOUT = Path("/somewhere/checkout")


def test_default_laboratory_has_a_short_state_path_and_a_link() -> None:
    settings = Settings.from_environment({}, CHECKOUT)
    assert re.fullmatch(r"/tmp/eks-observability-\d+-[0-9a-f]{8}", str(settings.state))
    assert settings.link == CHECKOUT / ".lab"
    assert settings.state != Settings.from_environment({}, Path("/elsewhere/checkout")).state


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        pytest.param(
            {}, {"transition_seconds": 0.3, "kubernetes": "embedded", "context": None}, id="defaults"
        ),
        pytest.param({"LAB_TRANSITION_SECONDS": "0"}, {"transition_seconds": 0.0}, id="no transition"),
        pytest.param({"LAB_KUBERNETES": "kubeconfig"}, {"kubernetes": "kubeconfig"}, id="other cluster"),
        pytest.param({"LAB_CONTEXT": "kind"}, {"context": "kind"}, id="context"),
        pytest.param(
            {"LAB_STATE": "/tmp/x"}, {"state": Path("/tmp/x"), "link": None}, id="further laboratory"
        ),
    ],
)
def test_environment_sets(environ: dict[str, str], expected: dict[str, object]) -> None:
    settings = Settings.from_environment(environ, CHECKOUT)
    assert {name: getattr(settings, name) for name in expected} == expected


@pytest.mark.parametrize("seconds", ["soon", "-1", "nan", "99999"])
def test_wrong_seconds_are_refused(seconds: str) -> None:
    with pytest.raises(ValueError, match="LAB_TRANSITION_SECONDS"):
        Settings.from_environment({"LAB_TRANSITION_SECONDS": seconds}, CHECKOUT)


def test_too_long_a_state_path_is_refused() -> None:
    with pytest.raises(ValueError, match=r"LAB_STATE.*shorter"):
        Settings.from_environment({"LAB_STATE": "/tmp/" + "x" * 100}, CHECKOUT)


def test_issuer_looks_like_that_of_eks() -> None:
    issuer = Settings(state=Path("/tmp/x"), region="us-gov-west-1").issuer
    assert re.fullmatch(r"https://oidc\.eks\.us-gov-west-1\.amazonaws\.com/id/[0-9A-F]{32}", issuer)
