"""The table of kinds that are served: built-in ones, and those that CustomResourceDefinitions add."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lab.kubernetes.embedded.builtin import builtin
from lab.kubernetes.embedded.errors import NoSuchGroupError, no_such_path
from lab.kubernetes.embedded.objects import Object, dig
from lab.kubernetes.embedded.schema import ANY, Schema, from_openapi

#: Group and plural: all versions of a kind are stored in one place.
Place = tuple[str, str]


@dataclass(frozen=True)
class Kind:
    """One kind in one version."""

    group: str
    version: str
    plural: str
    name: str
    namespaced: bool
    load_schema: Callable[[], Schema]
    short_names: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    #: Whether metadata.generation counts changes of the specification.
    generations: bool = False
    #: Defined by a CustomResourceDefinition.
    custom: bool = False
    singular: str = ""
    list_name: str = ""
    categories: tuple[str, ...] = ()
    #: Warning of every answer about it.
    warning: str = ""
    #: Where a custom kind keeps replicas: the paths of its scale subresource.
    scale_paths: tuple[tuple[str, str], ...] = ()

    @property
    def schema(self) -> Schema:
        """Its shape; built when it is needed first."""
        return self.load_schema()

    @property
    def place(self) -> Place:
        """Where its objects are stored."""
        return (self.group, self.plural)

    @property
    def api_version(self) -> str:
        """Value of `apiVersion` in its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """Plural with group, as messages about objects have it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified(self) -> str:
        """Kind with group, as messages about invalid objects have it."""
        return f"{self.name}.{self.group}" if self.group else self.name

    def details(self, name: str) -> Object:
        """Details of a Status about one object."""
        group = {"group": self.group} if self.group else {}
        return {**({"name": name} if name else {}), **group, "kind": self.plural}


def _kind(
    api_version: str,
    plural: str,
    name: str,
    *,
    model: str = "",
    namespaced: bool = True,
    short: tuple[str, ...] = (),
    subresources: tuple[str, ...] = (),
    generations: bool = False,
    warning: str = "",
) -> Kind:
    group, _slash, version = api_version.rpartition("/")
    return Kind(
        group,
        version,
        plural,
        name,
        namespaced,
        functools.partial(builtin, model or f"V1{name}"),
        short_names=short,
        subresources=subresources,
        generations=generations,
        singular=name.lower(),
        list_name=f"{name}List",
        categories=_CATEGORIES.get(plural, ()),
        warning=warning,
    )


_CATEGORIES = {
    **dict.fromkeys(("pods", "services", "deployments", "replicasets", "statefulsets", "jobs"), ("all",)),
    "customresourcedefinitions": ("api-extensions",),
}
_RBAC = "rbac.authorization.k8s.io/v1"

BUILTIN = (
    _kind(
        "v1", "namespaces", "Namespace", namespaced=False, short=("ns",), subresources=("status", "finalize")
    ),
    _kind("v1", "serviceaccounts", "ServiceAccount", short=("sa",), subresources=("token",)),
    _kind("v1", "secrets", "Secret"),
    _kind("v1", "configmaps", "ConfigMap", short=("cm",)),
    _kind("v1", "services", "Service", short=("svc",), subresources=("status", "proxy")),
    _kind(
        "v1",
        "endpoints",
        "Endpoints",
        short=("ep",),
        warning="v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
    ),
    _kind(
        "v1",
        "pods",
        "Pod",
        short=("po",),
        subresources=("status", "binding", "portforward", "proxy"),
        generations=True,
    ),
    _kind("v1", "events", "Event", model="CoreV1Event", short=("ev",)),
    _kind("v1", "nodes", "Node", namespaced=False, short=("no",), subresources=("status",)),
    _kind(
        "apps/v1",
        "deployments",
        "Deployment",
        short=("deploy",),
        subresources=("status", "scale"),
        generations=True,
    ),
    _kind(
        "apps/v1",
        "replicasets",
        "ReplicaSet",
        short=("rs",),
        subresources=("status", "scale"),
        generations=True,
    ),
    _kind(
        "apps/v1",
        "statefulsets",
        "StatefulSet",
        short=("sts",),
        subresources=("status", "scale"),
        generations=True,
    ),
    _kind("batch/v1", "jobs", "Job", subresources=("status",), generations=True),
    _kind("discovery.k8s.io/v1", "endpointslices", "EndpointSlice", generations=True),
    _kind("networking.k8s.io/v1", "networkpolicies", "NetworkPolicy", short=("netpol",), generations=True),
    _kind(
        "policy/v1",
        "poddisruptionbudgets",
        "PodDisruptionBudget",
        short=("pdb",),
        subresources=("status",),
        generations=True,
    ),
    _kind(_RBAC, "clusterroles", "ClusterRole", namespaced=False),
    _kind(_RBAC, "clusterrolebindings", "ClusterRoleBinding", namespaced=False),
    _kind(_RBAC, "roles", "Role"),
    _kind(_RBAC, "rolebindings", "RoleBinding"),
    _kind("coordination.k8s.io/v1", "leases", "Lease"),
    _kind(
        "apiextensions.k8s.io/v1",
        "customresourcedefinitions",
        "CustomResourceDefinition",
        namespaced=False,
        short=("crd", "crds"),
        subresources=("status",),
        generations=True,
    ),
)


_BUILTIN_GROUPS = {kind.group for kind in BUILTIN}


def is_builtin(group: str) -> bool:
    """Whether a group is there without any CustomResourceDefinition."""
    return group in _BUILTIN_GROUPS


class Kinds:
    """All kinds that are served now."""

    def __init__(self) -> None:
        self._kinds = {(kind.group, kind.version, kind.plural): kind for kind in BUILTIN}

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._kinds.values())

    def find(self, group: str, version: str, plural: str) -> Kind:
        """The kind that a path names; ApiError 404 or NoSuchGroupError when there is none."""
        kind = self._kinds.get((group, version, plural))
        if kind is None:
            raise no_such_path() if is_builtin(group) else NoSuchGroupError(group)
        return kind

    def stored_at(self, place: Place) -> Kind:
        """Some version of the kind whose objects are stored there."""
        return next(kind for kind in self if kind.place == place)

    def define(self, definition: Object) -> None:
        """Serve what a CustomResourceDefinition defines, instead of what it defined before."""
        self.forget(definition)
        for kind in _defined(definition):
            self._kinds[(kind.group, kind.version, kind.plural)] = kind

    def forget(self, definition: Object) -> None:
        """Serve a CustomResourceDefinition no longer."""
        place = (definition["spec"]["group"], definition["spec"]["names"]["plural"])
        self._kinds = {key: kind for key, kind in self._kinds.items() if kind.place != place}


def _defined(definition: Object) -> Iterator[Kind]:
    spec = definition["spec"]
    names = spec["names"]
    # The stored version first: clients take the first one of a group as the preferred one.
    for version in sorted(spec["versions"], key=lambda item: not item["storage"]):
        if not version["served"]:
            continue
        subresources = version.get("subresources", {})
        yield Kind(
            spec["group"],
            version["name"],
            names["plural"],
            names["kind"],
            spec["scope"] == "Namespaced",
            functools.cache(functools.partial(_custom_schema, version)),
            short_names=tuple(names.get("shortNames", ())),
            subresources=tuple(name for name in ("status", "scale") if name in subresources),
            generations=True,
            custom=True,
            singular=names.get("singular", names["kind"].lower()),
            list_name=names.get("listKind", names["kind"] + "List"),
            categories=tuple(names.get("categories", ())),
            scale_paths=tuple(subresources.get("scale", {}).items()),
        )


def _custom_schema(version: Object) -> Schema:
    raw = dig(version, "schema", "openAPIV3Schema")
    if not raw:
        return ANY
    schema = from_openapi(raw)
    metadata = {
        "apiVersion": Schema(type="string"),
        "kind": Schema(type="string"),
        "metadata": builtin("V1ObjectMeta"),
    }
    return Schema(
        type="object",
        properties={**schema.properties, **metadata},
        required=schema.required,
        defaults=schema.defaults,
        preserve_unknown=schema.preserve_unknown,
        rules=schema.rules,
    )
