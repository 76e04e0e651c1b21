"""Errors as AWS answers them."""

from __future__ import annotations

from moto.core.exceptions import ServiceException


class Fault(ServiceException):  # type: ignore[misc]  # moto publishes no types
    """An error of the laboratory. moto looks for its code in the service's model, not in moto's package."""


def fault(code: str, message: str) -> Fault:
    """An error that moto writes in the protocol of the service that raises it."""
    return Fault(code, message)


def invalid_value(message: str) -> Fault:
    """A value that is wrong by itself."""
    return fault("InvalidParameterValue", message)


def invalid_combination(message: str) -> Fault:
    """A value that is wrong together with others, or with what is there."""
    return fault("InvalidParameterCombination", message)
