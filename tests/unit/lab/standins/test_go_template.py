"""Templates give what Go gives, and fail in Go's words."""

from __future__ import annotations

import pytest

from lab.standins.external_secrets.go_template import ParseError, TemplateError, render

DATA = {"user": "app", "password": "a b/c%+d'\"\\", "port": "5432", "empty": "", "encoded": "aGVsbG8="}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        pytest.param("plain text", "plain text", id="text without actions stays as it is"),
        pytest.param("{{ .user }}:{{.port}}", "app:5432", id="fields, with and without blanks"),
        pytest.param(
            "{{ .password | urlquery }}", "a+b%2Fc%25%2Bd%27%22%5C", id="urlquery writes a blank as +"
        ),
        pytest.param(
            '{{ .password | urlquery | replace "+" "%20" }}',
            "a%20b%2Fc%25%2Bd%27%22%5C",
            id="the piped value is the last argument",
        ),
        pytest.param("{{ urlquery .user }}", "app", id="a function with its argument behind it"),
        pytest.param("{{ .user | b64enc }}", "YXBw", id="b64enc"),
        pytest.param("{{ .encoded | b64dec }}", "hello", id="b64dec"),
        pytest.param("{{ .user | upper | lower | upper }}", "APP", id="a long pipeline"),
        pytest.param(
            '{{ .empty | default "x" }}{{ .user | default "x" }}', "xapp", id="default for what is empty"
        ),
        pytest.param("{{ .user | quote }}", '"app"', id="quote"),
        pytest.param("{{ .password | quote }}", '"a b/c%+d\'\\"\\\\"', id="quote escapes"),
        pytest.param("{{ `a\\b` }}{{ 5 | toString }}", "a\\b5", id="raw strings and numbers"),
        pytest.param('{{ (.user | upper) | replace "P" "x" }}', "Axx", id="parentheses"),
        pytest.param('{{ "  x " | trim }}', "x", id="trim"),
        pytest.param("a  {{- .user -}}  b", "aappb", id="trim markers"),
        pytest.param("a{{/* nothing to see */}}b", "ab", id="comments"),
    ],
)
def test_renders(template: str, text: str) -> None:
    assert render("key", template, DATA) == text


@pytest.mark.parametrize(
    ("template", "kind", "text"),
    [
        pytest.param(
            "{{ .nope }}",
            TemplateError,
            'template: dsn:1:3: executing "dsn" at <.nope>: map has no entry for key "nope"',
            id="a missing key is an error",
        ),
        pytest.param(
            "a\nbc{{ .nope | urlquery }}",
            TemplateError,
            'template: dsn:2:5: executing "dsn" at <.nope>: map has no entry for key "nope"',
            id="line and column",
        ),
        pytest.param(
            "{{ .nope | sprintf }}",
            ParseError,
            'template: dsn:1: function "sprintf" not defined',
            id="an unknown function is found first",
        ),
        pytest.param(
            "{{ if .user }}x{{ end }}", ParseError, "not supported by the laboratory", id="control structures"
        ),
        pytest.param("{{ .user", ParseError, "template: dsn:1: unclosed action", id="an unclosed action"),
        pytest.param("{{ }}", ParseError, "missing value for command", id="an empty action"),
        pytest.param("{{ .user | .port }}", ParseError, "non executable command", id="a pipe into a field"),
        pytest.param("{{ (.user }}", ParseError, "unclosed left paren", id="an unclosed parenthesis"),
        pytest.param("{{ $x }}", ParseError, "variables are not supported by the laboratory", id="variables"),
        pytest.param(
            "{{ .user | trunc 2 }}",
            ParseError,
            "the laboratory has no function trunc",
            id="a function that only the real one has",
        ),
        pytest.param(
            '{{ .user | replace "a" }}',
            TemplateError,
            "wrong number of args for replace: want 3 got 2",
            id="too few arguments",
        ),
        pytest.param("{{ .user .port }}", ParseError, "unexpected '.port'", id="two values"),
    ],
)
def test_refuses(template: str, kind: type[TemplateError], text: str) -> None:
    with pytest.raises(kind) as caught:
        render("dsn", template, DATA)
    assert text in str(caught.value)
