"""Errors as AWS answers them."""

from __future__ import annotations

from moto.core.exceptions import ServiceException


def fault(code: str, message: str) -> Exception:
    """An error that moto writes in the protocol of the service that raises it."""
    error: Exception = ServiceException(code, message)
    return error


def invalid_value(message: str) -> Exception:
    """A value that is wrong by itself."""
    return fault("InvalidParameterValue", message)


def invalid_combination(message: str) -> Exception:
    """A value that is wrong together with others, or with what is there."""
    return fault("InvalidParameterCombination", message)
