# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which errors of an API server are worth another question, and how long."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest
from ansible_collections.eks_observability.stack.plugins.module_utils._http.model import (
    FetchError,
    Limits,
    Query,
    Response,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.client import (
    Kubernetes,
    KubernetesError,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._kubernetes.waiting import outlast
from ansible_collections.eks_observability.stack.plugins.module_utils._waiting import TimedOut, wait_until

PASSING, STAYING = KubernetesError("503", passing=True), KubernetesError("403")
wait = functools.partial(wait_until, timeout=2, pause=1, sleep=lambda seconds: None)
once = functools.partial(wait_until, timeout=0)


@pytest.mark.parametrize(
    ("answer", "passing"),
    [
        pytest.param(429, True, id="too many requests"),
        pytest.param(503, True, id="overloaded"),
        pytest.param(504, True, id="a load balancer's timeout"),
        pytest.param(403, False, id="forbidden"),
        pytest.param(401, False, id="credentials that are not valid"),
        pytest.param(None, True, id="nobody answers"),
    ],
)
def test_which_errors_may_pass(answer: int | None, passing: bool) -> None:
    def ask(path: str, query: Query, accept: str, limits: Limits) -> Response:
        if answer is None:
            raise FetchError("does not answer")
        return Response(answer, "text/plain", b"")

    with pytest.raises(KubernetesError) as caught:
        Kubernetes(ask).get("/x")
    assert caught.value.passing is passing


def row(*seen: bool | KubernetesError) -> Iterator[tuple[bool, int]]:
    for number, one in enumerate(seen):
        if isinstance(one, KubernetesError):
            raise one
        yield one, number


def test_what_passes_is_waited_for() -> None:
    answers: list[bool | KubernetesError] = [False, PASSING, PASSING, True]

    def probe() -> tuple[bool, int]:
        return next(row(answers.pop(0)))

    assert outlast(wait, probe) == 0
    assert answers == []


@pytest.mark.parametrize("error", [pytest.param(STAYING, id="stays"), pytest.param(PASSING, id="may pass")])
def test_an_error_is_told_when_waiting_is_over(error: KubernetesError) -> None:
    with pytest.raises(KubernetesError) as caught:
        outlast(once, lambda: next(row(error)))
    assert caught.value is error


def test_what_stays_ends_the_wait_at_once() -> None:
    answers: list[bool | KubernetesError] = [STAYING, True]
    with pytest.raises(KubernetesError):
        outlast(wait, lambda: next(row(answers.pop(0))))
    assert answers == [True]


def test_what_was_seen_last_is_kept() -> None:
    with pytest.raises(TimedOut) as caught:
        outlast(once, lambda: (False, "seen"))
    assert caught.value.last == "seen"
