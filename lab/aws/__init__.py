"""The laboratory's AWS: moto's server in this process, with real databases behind Aurora."""

from __future__ import annotations

from lab.aws.server import AwsEndpoint

__all__ = ["AwsEndpoint"]
