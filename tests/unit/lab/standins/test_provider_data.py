"""Keys are converted and values decoded as External Secrets does it, and what is missing is refused."""

from __future__ import annotations

from typing import Any

import pytest

from lab.standins.external_secrets import provider_data
from lab.standins.external_secrets.aws_store import StoreError

Object = dict[str, Any]
BYTES = bytes([0xFF, 0xFE]).decode(errors="surrogateescape")


class Client:
    """A store whose only document is this."""

    def __init__(self, document: dict[str, str]) -> None:
        self._document = document

    def secret(self, reference: Object) -> str:
        return self._document[reference["property"]]

    def secret_map(self, _reference: Object) -> dict[str, str]:
        return dict(self._document)


def fetched(monkeypatch: pytest.MonkeyPatch, document: dict[str, str], **spec: Any) -> dict[str, str]:
    monkeypatch.setattr(provider_data._Clients, "of", lambda clients, reference: Client(document))
    external: Object = {"metadata": {"namespace": "demo", "name": "x"}, "spec": spec}
    nobody: Any = None
    return provider_data.fetch(nobody, nobody, external, lambda external, text: None)


def extract(**reference: Any) -> Object:
    return {"dataFrom": [{"extract": {"key": "d", **reference}}]}


def data(**reference: Any) -> Object:
    return {"data": [{"secretKey": "x", "remoteRef": {"key": "d", "property": "p", **reference}}]}


@pytest.mark.parametrize(
    ("strategy", "key"),
    [
        pytest.param({}, "user_name_", id="Default is the default"),
        pytest.param({"conversionStrategy": "Unicode"}, "user_U0020_name_U002f_", id="Unicode"),
    ],
)
def test_keys_are_converted(monkeypatch: pytest.MonkeyPatch, strategy: Object, key: str) -> None:
    assert fetched(monkeypatch, {"user name/": "x"}, **extract(**strategy)) == {key: "x"}


def test_keys_that_become_one_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StoreError, match="secret name collision during conversion: a_b"):
        fetched(monkeypatch, {"a b": "1", "a_b": "2"}, **extract())


@pytest.mark.parametrize(
    ("strategy", "value", "decoded"),
    [
        pytest.param("None", "aGk=", "aGk=", id="None"),
        pytest.param("Base64", "aGk/\nPz8=", "hi???", id="Base64, with line ends"),
        pytest.param("Base64URL", "aGk_Pz8=", "hi???", id="Base64URL"),
        pytest.param("Auto", "aGk/Pz8=", "hi???", id="Auto takes Base64"),
        pytest.param("Auto", "aGk_Pz8=", "hi???", id="Auto takes Base64URL"),
        pytest.param("Auto", "p w", "p w", id="Auto leaves what is neither"),
        pytest.param("Base64", "//4=", BYTES, id="bytes that are no text"),
    ],
)
def test_values_are_decoded(monkeypatch: pytest.MonkeyPatch, strategy: str, value: str, decoded: str) -> None:
    assert fetched(monkeypatch, {"p": value}, **data(decodingStrategy=strategy)) == {"x": decoded}
    assert fetched(monkeypatch, {"p": value}, **extract(decodingStrategy=strategy)) == {"p": decoded}


@pytest.mark.parametrize("strategy", ["Base64", "Base64URL"])
@pytest.mark.parametrize("value", ["a+_b", "a", "p w"])
def test_what_cannot_be_decoded_is_refused(
    monkeypatch: pytest.MonkeyPatch, strategy: str, value: str
) -> None:
    wrong = f"error applying decoding strategy {strategy} to data: "
    with pytest.raises(StoreError, match=f"{wrong}illegal base64 data"):
        fetched(monkeypatch, {"p": value}, **data(decodingStrategy=strategy))
    with pytest.raises(StoreError, match=f"{wrong}failure decoding key p: illegal base64 data"):
        fetched(monkeypatch, {"p": value}, **extract(decodingStrategy=strategy))


@pytest.mark.parametrize(
    "source",
    [
        pytest.param({"find": {"name": {"regexp": "x"}}}, id="find"),
        pytest.param({"extract": {"key": "d"}, "rewrite": [{"merge": {}}]}, id="rewrite"),
    ],
)
def test_what_the_laboratory_does_not_have_it_refuses(
    monkeypatch: pytest.MonkeyPatch, source: Object
) -> None:
    with pytest.raises(StoreError, match="the laboratory's External Secrets knows"):
        fetched(monkeypatch, {}, dataFrom=[source])
