"""What an ExternalSecret asks of the provider, fetched as External Secrets does it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from lab.standins.api.client import Api
from lab.standins.api.kinds import SECRET_STORE
from lab.standins.api.objects import Object
from lab.standins.external_secrets.aws_store import (
    Aws,
    NoSuchSecretError,
    StoreClient,
    StoreError,
    find_store,
    open_store,
)

#: Told of a secret that the provider does not have, where deletionPolicy lets that pass.
Missing = Callable[[Object, str], None]


def fetch(api: Api, aws: Aws, external: Object, missing: Missing) -> dict[str, str]:
    """The provider's data under the names that the template sees. Raises StoreError."""
    clients = _Clients(api, aws, external)
    provided: dict[str, str] = {}
    for where, absent, read in [*_extracts(clients, external), *_properties(clients, external)]:
        try:
            provided.update(read())
        except NoSuchSecretError as error:
            if (external["spec"].get("target") or {}).get("deletionPolicy", "Retain") == "Retain":
                raise StoreError(f"{where}, err: {error}") from error
            missing(external, absent)
        except StoreError as error:
            raise StoreError(f"{where}, err: {error}") from error
    return provided


_Step = tuple[str, str, Callable[[], dict[str, str]]]


def _extracts(clients: _Clients, external: Object) -> list[_Step]:
    steps: list[_Step] = []
    for index, source in enumerate(external["spec"].get("dataFrom") or []):
        place = f"spec.dataFrom[{index}]"
        way = next((way for way in ("find", "extract") if way in source), "sourceRef.generatorRef")
        absent = f"secret does not exist at provider using {place}"
        steps.append((f"error processing {place}.{way}", absent, partial(_extract, clients, source)))
    return steps


def _properties(clients: _Clients, external: Object) -> list[_Step]:
    steps: list[_Step] = []
    for index, item in enumerate(external["spec"].get("data") or []):
        key = item["remoteRef"]["key"]
        where = f"error processing spec.data[{index}] (key: {key})"
        # "dataFrom" is what the real one says here, too.
        absent = f"secret does not exist at provider using spec.dataFrom[{index}] (key={key})"
        steps.append((where, absent, partial(_read, clients, item)))
    return steps


def _extract(clients: _Clients, source: Mapping[str, Any]) -> dict[str, str]:
    if "extract" not in source or source.get("rewrite"):
        raise StoreError("the laboratory's External Secrets knows dataFrom[].extract only, without rewrite")
    client = clients.of((source.get("sourceRef") or {}).get("storeRef"))
    provided = client.secret_map(source["extract"])
    for key in provided:
        if re.search(r"[^\w.-]", key):
            tip = "invalid secret keys (TIP: use rewrite or conversionStrategy to change keys)"
            allowed = "only alphanumeric, '-', '.' and '_' are allowed"
            raise StoreError(f"{tip}: key has an invalid character, {allowed}: {key}")
    return provided


def _read(clients: _Clients, item: Mapping[str, Any]) -> dict[str, str]:
    client = clients.of((item.get("sourceRef") or {}).get("storeRef"))
    return {item["secretKey"]: client.secret(item["remoteRef"])}


class _Clients:
    """The clients for the stores of one ExternalSecret, each opened once."""

    def __init__(self, api: Api, aws: Aws, external: Object) -> None:
        self._api = api
        self._aws = aws
        self._namespace = str(external["metadata"]["namespace"])
        self._default = external["spec"].get("secretStoreRef") or {}
        self._open: dict[tuple[str, str], StoreClient] = {}

    def of(self, reference: Mapping[str, Any] | None) -> StoreClient:
        """The client for a store, or for the ExternalSecret's own. Raises StoreError."""
        reference = reference or self._default
        key = (reference.get("kind") or SECRET_STORE.name, reference["name"])
        if key not in self._open:
            store = find_store(self._api, reference, self._namespace)
            self._open[key] = open_store(self._api, self._aws, store, self._namespace)
        return self._open[key]
