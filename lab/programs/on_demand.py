"""Programs that few laboratories need: nobody waits for their build who has not asked for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from lab.programs.building import ensure_built, place
from lab.programs.cache import Cache, cache_directory
from lab.programs.model import Program
from lab.programs.recipes import Recipe, yace
from lab.programs.versions import Versions


def expected_yace(environ: Mapping[str, str] | None = None) -> Program:
    """YACE where it is once it has been built."""
    recipe, cache = _yace(environ)
    return Program(place(recipe, cache), recipe.version)


def build_yace(progress: Callable[[str], None], environ: Mapping[str, str] | None = None) -> Program:
    """Have YACE in the cache. Raises SourceError."""
    environ = os.environ if environ is None else environ
    recipe, cache = _yace(environ)
    (program,) = ensure_built([recipe], Versions.choose(), cache, environ, progress)
    return program


def _yace(environ: Mapping[str, str] | None) -> tuple[Recipe, Cache]:
    directory = cache_directory(os.environ if environ is None else environ)
    return yace(Versions.choose().yace), Cache(directory)
