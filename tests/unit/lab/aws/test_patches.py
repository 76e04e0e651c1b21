"""Patches, and that they can be taken back."""

from __future__ import annotations

from typing import Any

from lab.aws.patches import Patches


class Greeter:
    def greet(self, name: str) -> str:
        return f"hello {name}"


def louder(original: Any, greeter: Greeter, name: str) -> str:
    return str(original(greeter, name)).upper()


def test_everything_is_taken_back_in_reverse_order() -> None:
    before = dict(vars(Greeter))
    routes: dict[str, Any] = {"kept": 1}
    patches = Patches()
    patches.around(Greeter, "greet", louder)
    patches.around(Greeter, "greet", lambda original, greeter, name: original(greeter, name) + "!")
    patches.attribute(Greeter, "fresh", 1)
    patches.entry(routes, "kept", 2)
    patches.entry(routes, "fresh", 3)
    assert Greeter().greet("you") == "HELLO YOU!"
    assert routes == {"kept": 2, "fresh": 3}
    patches.undo()
    assert dict(vars(Greeter)) == before
    assert routes == {"kept": 1}
