"""Values keep the text that they have in their document, as in Go."""

from __future__ import annotations

import pytest

from lab.standins.external_secrets import raw_json

DOCUMENT = """ {
    "text": "a \\"b\\" é<&>", "number": 5432, "fraction": 1.50, "large": 1e3, "truth": true, "nothing": null,
    "dotted.key": "dotted", "dotted": {"key": "inner"}, "object": {"a": 1,  "b": [ 1, 2 ]},
    "list": ["x", {"y": "z"}], "empty": {}, "none": [] } """


def test_members() -> None:
    found = raw_json.members(DOCUMENT)
    assert found["text"] == 'a "b" é<&>'
    assert (found["number"], found["fraction"], found["large"], found["truth"]) == (
        "5432",
        "1.50",
        "1e3",
        "true",
    )
    assert found["nothing"] == ""
    assert found["object"] == '{"a": 1,  "b": [ 1, 2 ]}', "blanks are kept"
    assert (found["list"], found["empty"], found["none"]) == ('["x", {"y": "z"}]', "{}", "[]")


@pytest.mark.parametrize(
    ("document", "error"),
    [
        pytest.param("[1]", "cannot unmarshal array", id="a list"),
        pytest.param('"x"', "cannot unmarshal string", id="a text"),
        pytest.param("1", "cannot unmarshal number", id="a number"),
        pytest.param("true", "cannot unmarshal bool", id="a truth"),
        pytest.param("a word", "invalid character 'a' looking for beginning of value", id="no JSON"),
        pytest.param("", "unexpected end of JSON input", id="nothing"),
        pytest.param('{"a": 1', "unexpected end of JSON input", id="half an object"),
    ],
)
def test_what_has_no_members(document: str, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        raw_json.members(document)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("text", 'a "b" é<&>', id="a text"),
        pytest.param("number", "5432", id="an integer"),
        pytest.param("fraction", "1.5", id="a fraction is formatted"),
        pytest.param("large", "1000", id="an exponent is written out"),
        pytest.param("truth", "true", id="a truth"),
        pytest.param("nothing", "", id="null is empty"),
        pytest.param("object", '{"a": 1,  "b": [ 1, 2 ]}', id="an object as it is written"),
        pytest.param("object.b.1", "2", id="a path with a position"),
        pytest.param("list.1.y", "z", id="an object in a list"),
        pytest.param("dotted.key", "dotted", id="a key with a dot before the path"),
        pytest.param("nope", None, id="no such key"),
        pytest.param("text.x", None, id="no path through a text"),
        pytest.param("list.2", None, id="no such position"),
        pytest.param("list.x", None, id="no such position by name"),
    ],
)
def test_find(path: str, value: str | None) -> None:
    assert raw_json.find(DOCUMENT, path) == value


def test_nothing_is_found_in_what_is_not_json() -> None:
    assert raw_json.find("a word", "a") is None
