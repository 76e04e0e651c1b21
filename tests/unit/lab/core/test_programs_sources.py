"""Which archives the machine's apt knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.programs.sources import Archive, debian_archives, parse_deb822, parse_lines

KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mDMEY\n -----END PGP PUBLIC KEY BLOCK-----"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(
            "deb http://m.example/debian bookworm main",
            [Archive("http://m.example/debian", None)],
            id="plain",
        ),
        pytest.param(
            "deb [arch=amd64 signed-by=/k.gpg] https://m.example/debian/ stable main contrib # note",
            [Archive("https://m.example/debian/", "/k.gpg")],
            id="options and comment",
        ),
        pytest.param("# deb http://m.example/debian bookworm main", [], id="commented out"),
        pytest.param("deb-src http://m.example/debian bookworm main", [], id="sources only"),
        pytest.param("deb http://m.example/debian bookworm-updates main", [], id="updates only"),
        pytest.param("deb http://m.example/security bookworm/updates main", [], id="security of old"),
        pytest.param("deb http://m.example/debian bookworm contrib # main", [], id="other component"),
        pytest.param("deb cdrom:[Debian]/ bookworm main", [], id="cdrom"),
        pytest.param("", [], id="empty"),
    ],
)
def test_one_line_format(line: str, expected: list[Archive]) -> None:
    assert list(parse_lines([line])) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "Types: deb\n# a note\nURIs: http://m.example/debian\nSuites: bookworm bookworm-updates\n"
            "Components: main\nSigned-By: /k.gpg\n",
            [Archive("http://m.example/debian", "/k.gpg")],
            id="as Debian's images have it",
        ),
        pytest.param(
            "types: deb deb-src\nuris: http://a.example/debian http://b.example/debian\nsuites: trixie\n"
            "components: main contrib\n",
            [Archive("http://a.example/debian", None), Archive("http://b.example/debian", None)],
            id="small letters and two addresses",
        ),
        pytest.param(
            f"Types: deb\nURIs: http://m.example/debian\nSuites: sid\nComponents: main\nSigned-By:\n {KEY}\n",
            [Archive("http://m.example/debian", KEY)],
            id="key in the file",
        ),
        pytest.param(
            "Types: deb\nURIs: http://m.example/debian\nSuites: sid\nComponents: main\nEnabled: no\n",
            [],
            id="disabled",
        ),
        pytest.param(
            "Types: deb-src\nURIs: http://m.example/debian\nSuites: sid\nComponents: main\n\n"
            "Types: deb\nURIs: http://m.example/security\nSuites: sid-security\nComponents: main\n",
            [],
            id="sources and security",
        ),
    ],
)
def test_stanza_format(text: str, expected: list[Archive]) -> None:
    assert list(parse_deb822(text)) == expected


def test_archives_of_the_machine_debian_s_first_each_once_with_its_keyring(tmp_path: Path) -> None:
    keyring = tmp_path / "debian.gpg"
    keyring.touch()
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (tmp_path / "sources.list").write_text("deb http://m.example/debian bookworm main\n" * 2)
    (parts / "a-vendor.list").write_text("deb [signed-by=/v.gpg] https://vendor.example/repo bookworm main\n")
    (parts / "old.list.save").write_text("deb http://old.example/debian bookworm main\n")
    assert debian_archives(tmp_path, keyring) == [
        Archive("http://m.example/debian", str(keyring)),
        Archive("https://vendor.example/repo", "/v.gpg"),
    ]
