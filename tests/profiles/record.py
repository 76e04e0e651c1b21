"""What is kept of real exporters: their flags, and pages for the unit tests of the profile.

A page keeps what a profile can ask about, and of each family a few series; its sums over sessions stay true.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lab.programs.model import Program
from tests.profiles.databases import DATABASE, USER

ROOT = Path(__file__).parents[2]
FLAGS = Path(__file__).with_name("exporters.yml")
PAGES = ROOT / "tests/unit/plugins/module_utils/_exporter/pages"
#: Majors of which pages are kept: one before and one after PostgreSQL took the checkpointer out of bgwriter.
RECORDED = ("15", "17")

_DROPPED = re.compile(
    r"(go|process|promhttp)_|pg_(stat(io)?_user|stat_progress|stat_database_conflicts|settings)_"
)
_SETTINGS = re.compile(
    r"pg_settings_(max_connections|(superuser_)?reserved_connections|shared_buffers_bytes|track_io_timing)$"
)
#: Of these, all series count.
_WHOLE = ("pg_scrape_collector_success", "pg_stat_database_numbackends")
_FEW = 2
_HEADER = """\
---
# What --help of each postgres_exporter says: collectors that run by default or on demand, and other flags.
# Written by `pytest tests/profiles --record`, which tries every version that the registries give.
"""


@dataclass
class Family:
    """The lines of one family."""

    name: str
    head: list[str]
    samples: list[str]


def trimmed(page: str) -> str:
    """A smaller page, as valid as the given one."""
    return "".join(
        line + "\n"
        for family in _families(page)
        if not _DROPPED.match(family.name) or _SETTINGS.match(family.name)
        for line in (*family.head, *_few(family))
    )


def _families(page: str) -> Iterator[Family]:
    family = Family("", [], [])
    for line in page.splitlines():
        if line.startswith("# HELP "):
            yield family
            family = Family(line.split()[2], [], [])
        if line.startswith("#"):
            # No judgement asks for the help, which is half of a page.
            family.head += [line] if line.startswith("# TYPE ") else []
        else:
            family.samples.append(line)
    yield family


def _few(family: Family) -> list[str]:
    if family.name in _WHOLE:
        return family.samples
    telling = (f'user="{USER.username}"', f'datname="{DATABASE}"')
    first = sorted(family.samples, key=lambda line: [label not in line for label in telling])
    chosen = set(first[:_FEW])
    if family.name == "pg_stat_activity_count":
        chosen |= {line for line in family.samples if not line.endswith(" 0")}
    return [line for line in family.samples if line in chosen]


def write_page(name: str, page: str) -> None:
    """Record a page."""
    PAGES.mkdir(exist_ok=True)
    (PAGES / f"{name}.prom").write_text(trimmed(page))


def flags(program: Program) -> dict[str, Any]:
    """The flags of an exporter, as it tells them itself."""
    done = subprocess.run([program.path, "--help"], capture_output=True, text=True, check=True)
    text = " ".join((done.stdout + done.stderr).split())
    collectors = re.findall(
        r"--(?:\[no-])?collector\.(\w+) Enable the \w+ collector \(default: (\w+)\)", text
    )
    every = set(re.findall(r" --(?:\[no-])?([\w.-]+)", text)) - {"help", "help-long", "help-man", "version"}
    return {
        "by_default": sorted(name for name, default in collectors if default == "enabled"),
        "on_demand": sorted(name for name, default in collectors if default == "disabled"),
        "flags": sorted(every - {f"collector.{name}" for name, _default in collectors}),
    }


def known_flags() -> dict[str, Any]:
    """What was recorded, by version."""
    return dict(yaml.safe_load(FLAGS.read_text()))


def write_flags(found: Mapping[str, Any]) -> None:
    """Record the flags of all versions."""
    FLAGS.write_text(_HEADER + yaml.dump(dict(found), Dumper=_Indenting, sort_keys=False))


class _Indenting(yaml.SafeDumper):
    """Writes lists as the linter wants them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)
