"""Documents that a server sends: whatever they are, they are read or are a ValueError."""

from __future__ import annotations

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._http.documents import read_json


@pytest.mark.parametrize("text", ['{"a": ["ü"]}', '{"a": ["ü"]}'.encode()])
def test_a_document_is_read(text: str | bytes) -> None:
    assert read_json(text) == {"a": ["ü"]}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("<html>", id="a web page"),
        pytest.param("", id="nothing"),
        pytest.param(b"\xff", id="not UTF-8"),
        pytest.param("[" * 200_000, id="without ground"),
        pytest.param('{"a":' * 200_000, id="mappings without ground"),
    ],
)
def test_what_is_no_document(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_json(text)
