# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets in Secrets Manager against what is asked of them. PRIVATE: it may change at any time.

Plain data: nothing here asks AWS.
"""

from __future__ import annotations

import collections
import re
import typing as t

from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets import events
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.case import (
    AwsSeen,
    Case,
    Cause,
    Document,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._external_secrets.model import (
    Source,
)

_LEAF = object()
#: A character that a Secret's key cannot have.
_UNFIT = re.compile(r"[^-._a-zA-Z0-9]")


def fault(case: Case, aws: AwsSeen) -> Cause | None:
    """The first thing that is asked for and not there."""
    found = (_fault(case, source, aws.documents.get(case.document_of(source))) for source in case.sources)
    return next((cause for cause in found if cause is not None), None)


def _fault(case: Case, source: Source, document: Document | None) -> Cause | None:
    name = case.document_of(source)
    if document is None:
        return None
    if not document.exists:
        return events.no_secret(case, f"secret {name}")
    if document.deleting:
        return events.deleting(f"secret {name}")
    if source.tags:
        return None
    if not source.version.startswith("uuid/") and source.version not in document.versions:
        return Cause(
            f"Secret {name} has no value with the label {source.version}",
            "Write a value, or correct the version that is asked for",
        )
    return _shape_fault(source, name, document) if document.readable else None


def _shape_fault(source: Source, name: str, document: Document) -> Cause | None:
    if not source.property and source.target:
        return None
    if not document.is_json:
        return events.no_object(name, "JSON")
    part = _at(document.shape, source.property)
    if part is _LEAF:
        return events.no_property(name, source.property)
    if not source.target and not isinstance(part, dict):
        where = f"{name} at {source.property}" if source.property else name
        return events.no_object(where, "a JSON object")
    return None if source.target else _key_fault(source, name, part)


def _key_fault(source: Source, name: str, names: t.Iterable[str]) -> Cause | None:
    """Keys of a Secret are made of a few characters, and each is there once."""
    converted = collections.Counter(_converted(key, source.conversion) for key in names)
    doubled = [key for key, number in converted.items() if number > 1]
    if doubled:
        return events.unfit_keys(f"secret {name}", f"several become {', '.join(doubled)}")
    unfit = [key for key in converted if _UNFIT.search(key)]
    return events.unfit_keys(f"secret {name}", ", ".join(unfit)) if unfit else None


def _converted(key: str, strategy: str) -> str:
    if strategy == "Unicode":
        return _UNFIT.sub(lambda match: f"_U{ord(match[0]):04x}_", key)
    return _UNFIT.sub("_", key) if strategy == "Default" else key


def keys(case: Case) -> set[str] | None:
    """The keys that templates may name, None where they are not known."""
    known: set[str] = set()
    if case.seen.opaque:
        return None
    for source in case.seen.sources:
        if source.target:
            known.add(source.target)
            continue
        document = _seen(case, source)
        if document is None or not (source.tags or document.readable):
            return None
        part = dict.fromkeys(document.tags) if source.tags else _at(document.shape, source.property)
        known.update(_converted(key, source.conversion) for key in (part if isinstance(part, dict) else ()))
    return known


def complete(case: Case) -> bool:
    """Whether all that is asked for has been seen, and nothing else can be wrong with it."""
    sources = case.seen.sources
    seen = [_seen(case, source) for source in sources]
    return (
        bool(sources)
        and not case.seen.opaque
        and not any(source.decoded for source in sources)
        and all(one is not None and one.readable for one in seen)
    )


def _seen(case: Case, source: Source) -> Document | None:
    """What AWS says of it, None where nobody has asked: another store may have one of the same name."""
    return case.aws.documents.get(case.document_of(source)) if case.aws and source in case.sources else None


def _at(shape: t.Any, path: str) -> t.Any:
    """The part of a shape at a key as it is written, else at a path; _LEAF where there is none."""
    if not path or (isinstance(shape, dict) and path in shape):
        return shape[path] if path else shape
    for name in path.split("."):
        if isinstance(shape, dict) and name in shape:
            shape = shape[name]
        elif isinstance(shape, list) and name.isdigit() and int(name) < len(shape):
            shape = shape[int(name)]
        else:
            return _LEAF
    return shape
