"""What is imported from a zip is compiled once, and is the same with kept bytecode as without."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

SOURCE = "WORD = {word!r}\n\ndef fail():\n    raise ValueError(WORD)\n"
SCRIPT = """
import sys, traceback, zipimport
sys.prefix = sys.argv[1]
sys.path.insert(0, {tools!r})
import zip_bytecode
compiled = []
compile_now = zip_bytecode._compile
zip_bytecode._compile = lambda path, source: compiled.append(path) or compile_now(path, source)
sys.path.insert(0, sys.argv[2])
import zipped
try:
    zipped.fail()
except ValueError:
    print(traceback.extract_tb(sys.exc_info()[2])[-1].filename)
print(zipped.WORD, len(compiled))
""".format(tools=str(Path(__file__).parents[3] / "tools"))


def imported(folder: Path, name: str, word: str) -> tuple[str, str, int]:
    """File in the traceback, the word, and how often something was compiled; by a Python of its own."""
    archive = folder / name
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("zipped.py", SOURCE.format(word=word))
    done = subprocess.run(
        [sys.executable, "-S", "-c", SCRIPT, str(folder), str(archive)],
        capture_output=True,
        text=True,
        check=True,
    )
    told, words = done.stdout.splitlines()
    found, compiled = words.split()
    return told, found, int(compiled)


def test_it_is_compiled_once_and_knows_where_it_is(tmp_path: Path) -> None:
    first = imported(tmp_path, "one.zip", "one")
    assert first == (f"{tmp_path}/one.zip/zipped.py", "one", 1)
    assert imported(tmp_path, "two.zip", "one") == (f"{tmp_path}/two.zip/zipped.py", "one", 0)


def test_what_has_changed_is_compiled_anew(tmp_path: Path) -> None:
    imported(tmp_path, "one.zip", "one")
    assert imported(tmp_path, "one.zip", "two")[1:] == ("two", 1)


@pytest.mark.parametrize("content", [b"", b"no bytecode", b"i\x01\x00\x00\x00"], ids=["empty", "junk", "int"])
def test_what_is_no_code_is_replaced(tmp_path: Path, content: bytes) -> None:
    imported(tmp_path, "one.zip", "one")
    (kept,) = (tmp_path / "zip_bytecode").iterdir()
    kept.write_bytes(content)
    assert imported(tmp_path, "one.zip", "one")[1:] == ("one", 1)
    assert imported(tmp_path, "one.zip", "one")[1:] == ("one", 0)


def test_where_nothing_can_be_kept_all_goes_on(tmp_path: Path) -> None:
    (tmp_path / "zip_bytecode").write_text("a file is in the way")
    assert imported(tmp_path, "one.zip", "one")[1:] == ("one", 2)
