"""The audiences of IAM's OIDC providers, which moto does not change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.responses import EmptyResult
from moto.iam.responses import IamResponse

from lab.aws.faults import fault
from lab.aws.patches import Patches


def install(patches: Patches) -> None:
    """Let client ids be added and removed."""
    patches.attribute(IamResponse, "add_client_id_to_open_id_connect_provider", _changing(_add))
    patches.attribute(IamResponse, "remove_client_id_from_open_id_connect_provider", _changing(_remove))


def _changing(change: Callable[[list[str], str], list[str]]) -> Callable[[Any], Any]:
    def method(response: Any) -> Any:
        arn = response._get_param("OpenIDConnectProviderArn")
        provider = response.backend.open_id_providers.get(arn)
        if provider is None:
            raise fault("NoSuchEntity", f"OpenIDConnect Provider not found for arn {arn}")
        provider.client_id_list = change(list(provider.client_id_list), response._get_param("ClientID"))
        return EmptyResult()

    return method


def _add(ids: list[str], one: str) -> list[str]:
    return [*ids, *([] if one in ids else [one])]


def _remove(ids: list[str], one: str) -> list[str]:
    return [each for each in ids if each != one]
