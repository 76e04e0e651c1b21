"""Text in which names and paths of a container stand for something else.

Also used by the config reloader, a process of its own: nothing but the standard library here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

#: Environment variable of the config reloader: its mount paths, and where they are, as JSON.
MOUNTS = "LAB_MOUNTS"

_REFERENCE = re.compile(r"\$\$|\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)")


def expand(text: str, values: Mapping[str, str]) -> str:
    """Replace $(NAME); an unknown name stays as it is, and $$ is a dollar."""
    return _REFERENCE.sub(lambda match: "$" if match[1] is None else values.get(match[1], match[0]), text)


def localized(text: str, paths: Mapping[str, str]) -> str:
    """The text with every mount path in it replaced by the place where that is."""
    for mount in sorted(paths, key=len, reverse=True):
        # Neither a part of a longer name nor the end of a longer path.
        pattern = rf"(?<![\w./-]){re.escape(mount.rstrip('/'))}(?![\w.-])"
        text = paths[mount].rstrip("/").join(re.split(pattern, text))
    return text
