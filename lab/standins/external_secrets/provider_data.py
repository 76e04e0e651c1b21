"""What an ExternalSecret asks of the provider, fetched as External Secrets does it."""

from __future__ import annotations

import base64
import binascii
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
    reference = source["extract"]
    client = clients.of((source.get("sourceRef") or {}).get("storeRef"))
    provided = _converted(client.secret_map(reference), reference.get("conversionStrategy") or "Default")
    # Of several that cannot be, Go names any; here it is the first.
    return {key: _decoded(value, reference, key) for key, value in sorted(provided.items())}


def _converted(provided: Mapping[str, str], strategy: str) -> dict[str, str]:
    """Keys that a Secret may have."""
    converted: dict[str, str] = {}
    for key, value in provided.items():
        new = "".join(_character(one, strategy) for one in key)
        if new in converted:
            text = f"secret name collision during conversion: {new}"
            raise StoreError(f"error applying conversion strategy {strategy} to keys: {text}")
        converted[new] = value
    converted.pop("", None)
    return converted


def _character(one: str, strategy: str) -> str:
    # Letters and digits of all alphabets, of which Kubernetes then refuses most.
    if one.isalnum() or one in "-._":
        return one
    return "_" if strategy == "Default" else f"_U{ord(one):04x}_"


def _read(clients: _Clients, item: Mapping[str, Any]) -> dict[str, str]:
    client = clients.of((item.get("sourceRef") or {}).get("storeRef"))
    return {item["secretKey"]: _decoded(client.secret(item["remoteRef"]), item["remoteRef"])}


def _decoded(value: str, reference: Mapping[str, Any], key: str = "") -> str:
    strategy = reference.get("decodingStrategy") or "None"
    alphabets = {"Base64": ["+/"], "Base64URL": ["-_"], "Auto": ["+/", "-_"]}.get(strategy, [])
    for decoded in (_from_base64(value, alphabet) for alphabet in alphabets):
        if decoded is not None:
            return decoded
    if strategy in ("None", "Auto"):
        return value
    where = f"failure decoding key {key}: " if key else ""
    # Go says at which byte, too.
    raise StoreError(f"error applying decoding strategy {strategy} to data: {where}illegal base64 data")


def _from_base64(value: str, alphabet: str) -> str | None:
    text = re.sub(r"[\r\n]", "", value)
    if not re.fullmatch(rf"[A-Za-z0-9{re.escape(alphabet)}]*={{0,2}}", text):
        return None
    try:
        return base64.b64decode(text, altchars=alphabet.encode()).decode(errors="surrogateescape")
    except binascii.Error:
        return None


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
        key = (reference.get("kind") or SECRET_STORE.name, reference.get("name") or "")
        if key not in self._open:
            store = find_store(self._api, reference, self._namespace)
            client = open_store(self._api, self._aws, store, self._namespace)
            if client is None:
                raise StoreError(f"{key[0]} {key[1]} cannot be used outside of a namespace")
            self._open[key] = client
        return self._open[key]
