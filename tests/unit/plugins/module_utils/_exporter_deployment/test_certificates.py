# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bundle costs to read, and what is needed for it."""

from __future__ import annotations

import sys
import time
import types

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter_deployment import certificates

from tests.unit.plugins.module_utils._exporter_deployment.fake_deployment import VALID

BEGIN = "-----BEGIN CERTIFICATE-----"


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        pytest.param(BEGIN * 18_500, 18_500, id="beginnings without an end"),
        pytest.param(f"{BEGIN * 18_500}-----END CERTIFICATE-----", 18_500, id="one end for all"),
        pytest.param("-----END CERTIFICATE-----" * 20_000, 0, id="ends without a beginning"),
    ],
)
def test_half_a_megabyte_of_nonsense_takes_no_time(text: str, broken: int) -> None:
    begun = time.process_time()
    assert len(certificates.read(text).broken) == broken
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    "library",
    [
        pytest.param(None, id="none"),
        pytest.param(
            types.SimpleNamespace(x509=types.SimpleNamespace(Certificate=object)), id="older than 42"
        ),
    ],
)
def test_a_missing_library_is_no_fault_of_a_certificate(
    monkeypatch: pytest.MonkeyPatch, library: object
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", library)
    with pytest.raises(certificates.LibraryError, match="Python package cryptography"):
        certificates.read(VALID)
