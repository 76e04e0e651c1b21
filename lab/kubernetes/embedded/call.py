"""One request for one kind, and how its documents are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from lab.kubernetes.embedded import golang
from lab.kubernetes.embedded.decoding import WrongTypeError, decode
from lab.kubernetes.embedded.defaults import fill_defaults
from lab.kubernetes.embedded.errors import ApiError, bad_request, invalid, invalid_value
from lab.kubernetes.embedded.kinds import BUILTIN, Kind
from lab.kubernetes.embedded.merging import check_configuration
from lab.kubernetes.embedded.objects import Json, Object, clone, dig

#: Where the real server keeps its kinds.
_SCHEME = "pkg/runtime/scheme.go:111"


@dataclass
class Call:
    """The circumstances of a request."""

    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    #: Field manager.
    manager: str = "unknown"
    dry_run: bool = False
    #: What happens to unknown fields: Strict, Warn or Ignore.
    validation: str = "Warn"
    #: Collects the warnings of the answer.
    warnings: list[str] = field(default_factory=list)
    #: The body as it came, for messages.
    content: bytes = b""

    def read_body(self, raw: Object) -> Object:
        """The object that a POST or PUT sent; ApiError 400."""
        subject = f'{raw.get("kind") or self.kind.name} in version "{self.kind.version}"'
        return self.decoded(
            raw, lambda why: bad_request(f"{subject} cannot be handled as a {self.kind.name}: {why}")
        )

    def decoded(self, raw: Object, refuse: Callable[[str], ApiError]) -> Object:
        """Read a document of this kind, with defaults; `refuse` words an error about its fields."""
        self._check_type(raw)
        try:
            decoded = decode(self.kind, raw)
        except WrongTypeError as error:
            raise refuse(str(error)) from error
        if decoded.unknown and self.validation == "Strict":
            raise refuse("strict decoding error: " + ", ".join(decoded.strict_errors))
        if self.validation == "Warn":
            self.warnings += decoded.strict_errors
        if not self.kind.custom:
            fill_defaults(self.kind.name, decoded.object)
        self._settle_namespace(decoded.object["metadata"])
        return decoded.object

    def read_configuration(self, raw: Json) -> Object:
        """The document of a server-side apply, as it was sent; ApiError 400 or 500."""
        if not isinstance(raw, dict):
            why = golang.cannot_unmarshal(raw, golang.MAP)
            raise bad_request(f"error decoding patch: error unmarshaling JSON: while decoding JSON: {why}")
        version, kind = raw.get("apiVersion") or "", raw.get("kind") or ""
        if (kind, version) != (self.kind.name, self.kind.api_version):
            raise bad_request(
                f"invalid object type: {version if '/' in version else f'/{version}'}, Kind={kind}"
            )
        if dig(raw, "metadata", "managedFields") is not None:
            raise bad_request("metadata.managedFields must be nil")
        check_configuration(self.kind, raw)
        config: Object = clone(raw)
        metadata = config["metadata"] = config.get("metadata") or {}
        metadata.setdefault("name", self.name)
        self.check_name(metadata)
        self._settle_namespace(metadata)
        return config

    def check_name(self, metadata: Object) -> None:
        """ApiError 400 when the document is about another object than the path."""
        name = metadata.get("name", "")
        if not name:
            raise bad_request(
                f"the name of the object ({self.name} based on URL) was undeterminable: name must be provided"
            )
        if name != self.name:
            raise bad_request(
                f"the name of the object ({name}) does not match the name on the URL ({self.name})"
            )

    def _check_type(self, raw: Object) -> None:
        kind = self.kind
        version, name = raw.get("apiVersion") or kind.api_version, raw.get("kind")
        if kind.custom and not name:
            text = self.content.decode(errors="replace")
            why = f"Object 'Kind' is missing in '{text}' ({golang.summary(self.content)})"
            raise bad_request(f"the object provided is unrecognized (must be of type {kind.name}): {why}")
        if kind.custom and name != kind.name and version == kind.api_version:
            problem = invalid_value("kind", name, f"must be {kind.name}")
            raise invalid(replace(kind, name=name or ""), dig(raw, "metadata", "name") or "", [problem])
        if kind.custom and version != kind.api_version:
            raise bad_request(
                f"the API version in the data ({version}) does not match the expected API version "
                f"({kind.api_version})"
            )
        check_builtin(kind.name, kind.api_version, name or kind.name, version)

    def _settle_namespace(self, metadata: Object) -> None:
        if not self.kind.namespaced:
            metadata.pop("namespace", None)
        elif metadata.setdefault("namespace", self.namespace) != self.namespace:
            raise bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )


def check_builtin(wanted: str, wanted_version: str, name: str, version: str) -> None:
    """ApiError 400 when a document is of another built-in kind than its path."""
    if (name, version) == (wanted, wanted_version):
        return
    if any((kind.name, kind.api_version) == (name, version) for kind in BUILTIN):
        package = wanted_version.split(".")[0] if "/" in wanted_version else "core"
        short = version.rpartition("/")[2]
        why = f"converting ({short}.{name}) to ({package.split('/')[0]}.{wanted}): unknown conversion"
    else:
        why = f'no kind "{name}" is registered for version "{version}" in scheme "{_SCHEME}"'
    raise bad_request(
        f'{name} in version "{version.rpartition("/")[2]}" cannot be handled as a {wanted}: {why}'
    )
