"""Ansible first, then the fixtures, and the option by which the suite writes what it saw."""

from __future__ import annotations

import pytest
from ansible.plugins.loader import init_plugin_loader


def pytest_configure(config: pytest.Config) -> None:
    """Ansible must be the first to import from collections, or it does not find their filters."""
    init_plugin_loader()
    config.pluginmanager.import_plugin("tests.profiles.fixtures")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The suite also writes what it saw."""
    parser.addoption(
        "--record",
        action="store_true",
        help="write the flags of each exporter to tests/profiles/exporters.yml, and a page of each, trimmed, "
        "beside the unit tests of the profile",
    )
