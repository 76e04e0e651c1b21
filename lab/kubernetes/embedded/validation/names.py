"""Forms of names and values, with the real server's words for what is wrong."""

from __future__ import annotations

import re

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_KEY = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_CONFIG_KEY = "[-._a-zA-Z0-9]+"


def _pattern_error(words: str, pattern: str, *examples: str) -> str:
    quoted = " or ".join(f"'{example}', " for example in examples)
    return f"{words} (e.g. {quoted}regex used for validation is '{pattern}')"


def _too_long(value: str, limit: int) -> list[str]:
    return [f"must be no more than {limit} bytes"] if len(value) > limit else []


def label(value: str) -> list[str]:
    """A DNS label of RFC 1123."""
    problems = _too_long(value, 63)
    if "." in value:
        problems.append("must not contain dots")
    elif not re.fullmatch(_LABEL, value):
        words = (
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
            "and must start and end with an alphanumeric character"
        )
        problems.append(_pattern_error(words, _LABEL, "my-name", "123-abc"))
    return problems


def service_name(value: str) -> list[str]:
    """A DNS label of RFC 1035."""
    problems = _too_long(value, 63)
    if not re.fullmatch(_LABEL_1035, value):
        words = (
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', "
            "start with an alphabetic character, and end with an alphanumeric character"
        )
        problems.append(_pattern_error(words, _LABEL_1035, "my-name", "abc-123"))
    return problems


def subdomain(value: str) -> list[str]:
    """A DNS subdomain of RFC 1123."""
    problems = _too_long(value, 253)
    if not re.fullmatch(_SUBDOMAIN, value):
        words = (
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
            "and must start and end with an alphanumeric character"
        )
        problems.append(_pattern_error(words, _SUBDOMAIN, "example.com"))
    return problems


def path_segment(value: str) -> list[str]:
    """Anything that can be one part of a path."""
    if value in (".", ".."):
        return [f"may not be '{value}'"]
    return [f"may not contain '{letter}'" for letter in ("/", "%") if letter in value]


def label_key(value: str) -> list[str]:
    """A label's key: an optional prefix and a name."""
    words = (
        "must consist of alphanumeric characters, '-', '_' or '.', "
        "and must start and end with an alphanumeric character"
    )
    name_error = _pattern_error(words, _KEY, "MyName", "my.name", "123-abc")
    parts = value.split("/")
    if len(parts) > 2:
        prefixed = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return [f"a valid label key {name_error} {prefixed}"]
    problems = []
    if len(parts) == 2:
        found = subdomain(parts[0]) if parts[0] else ["must be non-empty"]
        problems += [f"prefix part {problem}" for problem in found]
    name = parts[-1]
    if not name:
        problems.append("name part must be non-empty")
    elif len(name) > 63:
        problems.append("name part must be no more than 63 bytes")
    if not re.fullmatch(_KEY, name):
        problems.append(f"name part {name_error}")
    return problems


def label_value(value: str) -> list[str]:
    """A label's value."""
    problems = _too_long(value, 63)
    if value and not re.fullmatch(_KEY, value):
        words = (
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
            "and must start and end with an alphanumeric character"
        )
        problems.append(_pattern_error(words, f"({_KEY})?", "MyValue", "my_value", "12345"))
    return problems


def port_name(value: str) -> list[str]:
    """A port's name (IANA_SVC_NAME)."""
    problems = ["must be no more than 15 characters"] if len(value) > 15 else []
    if not re.fullmatch("[-a-z0-9]+", value):
        problems.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", value):
        problems.append("must contain at least one letter (a-z)")
    if "--" in value:
        problems.append("must not contain consecutive hyphens")
    if value.startswith("-") or value.endswith("-"):
        problems.append("must not begin or end with a hyphen")
    return problems


def port_number(value: int) -> list[str]:
    """A port's number."""
    return [] if 1 <= value <= 65535 else ["must be between 1 and 65535, inclusive"]


def percent(value: str) -> list[str]:
    """A percentage."""
    if re.fullmatch("[0-9]+%", value):
        return []
    words = "a valid percent string must be a numeric string followed by an ending '%'"
    return [_pattern_error(words, "[0-9]+%", "1%", "93%")]


def config_key(value: str) -> list[str]:
    """A key of a ConfigMap or Secret."""
    problems = _too_long(value, 253)
    if not re.fullmatch(_CONFIG_KEY, value):
        words = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
        problems.append(_pattern_error(words, _CONFIG_KEY, "key.name", "KEY_NAME", "key-name"))
    if value in (".", ".."):
        problems.append(f"must not be '{value}'")
    elif value.startswith(".."):
        problems.append("must not start with '..'")
    return problems


def variable_name(value: str) -> list[str]:
    """Name of an environment variable."""
    if value and all(32 <= ord(letter) <= 126 and letter != "=" for letter in value):
        return []
    return [
        "a valid environment variable name must consist only of printable ASCII characters other than '='"
    ]
