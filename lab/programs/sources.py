"""The package archives that this machine's apt knows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
APT = Path("/etc/apt")


@dataclass(frozen=True)
class Archive:
    """A package archive: its address, and what signs it (a keyring's path, or a key as deb822 text)."""

    uri: str
    signed_by: str | None


def debian_archives(apt: Path = APT, keyring: Path = KEYRING) -> list[Archive]:
    """Archives with Debian's component `main`; those whose address ends in `debian` first.

    Others name their component `main` too, so every archive still has to prove its signature.
    """
    found = [
        Archive(archive.uri, archive.signed_by or (str(keyring) if keyring.exists() else None))
        for path in (apt / "sources.list", *sorted((apt / "sources.list.d").glob("*")))
        if path.is_file()
        for archive in _parse(path)
    ]
    return sorted(dict.fromkeys(found), key=lambda archive: not archive.uri.rstrip("/").endswith("debian"))


def _parse(path: Path) -> Iterator[Archive]:
    text = path.read_text(errors="replace")
    if path.suffix == ".sources":
        return parse_deb822(text)
    return parse_lines(text.splitlines()) if path.suffix == ".list" else iter(())


def parse_lines(lines: Iterable[str]) -> Iterator[Archive]:
    """Archives in the one-line format: deb [options] uri suite component..."""
    for line in lines:
        match = re.match(r"\s*deb\s+(?:\[([^]]*)]\s*)?(\S+)\s+(\S+)([^#]*)", line)
        if not match:
            continue
        options, uri, suite, components = match.groups()
        values = dict(option.partition("=")[::2] for option in (options or "").split())
        if _is_plain(uri, suite, components.split()):
            yield Archive(uri, values.get("signed-by"))


def parse_deb822(text: str) -> Iterator[Archive]:
    """Archives in the format of stanzas."""
    without_comments = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", without_comments):
        fields = {
            name.lower(): value.strip()
            for name, value in re.findall(r"^([A-Za-z-]+):((?:.*)(?:\n[ \t].*)*)", stanza, re.MULTILINE)
        }
        types, uris, suites, components = (
            fields.get(name, "").split() for name in ("types", "uris", "suites", "components")
        )
        if "deb" in types and fields.get("enabled", "yes").lower() not in ("no", "false"):
            for uri in uris:
                if any(_is_plain(uri, suite, components) for suite in suites):
                    yield Archive(uri, fields.get("signed-by"))


def _is_plain(uri: str, suite: str, components: list[str]) -> bool:
    # Suites with a dash or slash are updates and security fixes; a cdrom cannot be asked for other suites.
    return "main" in components and suite.isalpha() and not uri.startswith("cdrom:")
