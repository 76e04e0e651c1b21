"""What the API says about itself: versions, groups, resources, and as much OpenAPI as kubectl asks for."""

from __future__ import annotations

from collections.abc import Iterable

from lab.kubernetes.embedded.errors import NoSuchGroupError, no_such_path
from lab.kubernetes.embedded.kinds import Kind, Kinds, is_builtin
from lab.kubernetes.embedded.objects import Object

VERSION: Object = {
    "major": "1",
    "minor": "37",
    "emulationMajor": "1",
    "emulationMinor": "37",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "36",
    "gitVersion": "v1.37.0+embedded",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "linux/amd64",
}

_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
_CUSTOM_VERBS = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]
#: kind, group, version and verbs of subresources that are not of their parent's kind.
_SUBRESOURCES = {
    "scale": ("Scale", "autoscaling", "v1", ["get", "patch", "update"]),
    "token": ("TokenRequest", "authentication.k8s.io", "v1", ["create"]),
    "binding": ("Binding", "", "", ["create"]),
    "portforward": ("PodPortForwardOptions", "", "", ["create", "get"]),
    "finalize": ("Namespace", "", "", ["update"]),
}
_PROXY_KINDS = {"pods": "PodProxyOptions", "services": "ServiceProxyOptions"}


def api_versions(host: str) -> Object:
    """GET /api."""
    address = {"clientCIDR": "0.0.0.0/0", "serverAddress": host}
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [address]}


def group_list(kinds: Kinds) -> Object:
    """GET /apis."""
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": list(_groups(kinds).values())}


def group(kinds: Kinds, name: str) -> Object:
    """GET /apis/GROUP; NoSuchGroupError."""
    found = _groups(kinds).get(name)
    if found is None:
        raise NoSuchGroupError
    return {"kind": "APIGroup", "apiVersion": "v1", **found}


def resource_list(kinds: Kinds, group_name: str, version: str) -> Object:
    """GET /api/v1 or /apis/GROUP/VERSION; ApiError 404 or NoSuchGroupError."""
    served = [kind for kind in kinds if (kind.group, kind.version) == (group_name, version)]
    if not served:
        raise no_such_path() if is_builtin(group_name) else NoSuchGroupError
    resources = [resource for kind in served for resource in _resources(kind)]
    return {
        "kind": "APIResourceList",
        # The core list has no apiVersion, as ever.
        **({"apiVersion": "v1"} if group_name else {}),
        "groupVersion": served[0].api_version,
        "resources": resources,
    }


def _groups(kinds: Iterable[Kind]) -> dict[str, Object]:
    versions: dict[str, list[str]] = {}
    for kind in kinds:
        known = versions.setdefault(kind.group, [])
        if kind.group and kind.version not in known:
            known.append(kind.version)
    versions.pop("", None)
    groups = {}
    for name, known in versions.items():
        listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in known]
        groups[name] = {"name": name, "versions": listed, "preferredVersion": listed[0]}
    return groups


def _resources(kind: Kind) -> Iterable[Object]:
    yield {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.name,
        "verbs": _verbs(kind),
        **({"shortNames": list(kind.short_names)} if kind.short_names else {}),
        **({"categories": list(kind.categories)} if kind.categories else {}),
    }
    for name in kind.subresources:
        yield {
            "name": f"{kind.plural}/{name}",
            "singularName": "",
            "namespaced": kind.namespaced,
            **_subresource(kind, name),
        }


def _verbs(kind: Kind) -> list[str]:
    if kind.custom:
        return _CUSTOM_VERBS
    return [verb for verb in _VERBS if verb != "deletecollection" or kind.plural != "namespaces"]


def _subresource(kind: Kind, name: str) -> Object:
    if name == "proxy":
        verbs = ["create", "delete", "get", "patch", "update"]
        return {"kind": _PROXY_KINDS[kind.plural], "verbs": verbs}
    if name not in _SUBRESOURCES:
        return {"kind": kind.name, "verbs": ["get", "patch", "update"]}
    kind_name, group_name, version, verbs = _SUBRESOURCES[name]
    versioned = {"group": group_name, "version": version} if group_name else {}
    return {**versioned, "kind": kind_name, "verbs": verbs}


def openapi_index(kinds: Kinds) -> Object:
    """GET /openapi/v3."""
    paths = {_path(kind) for kind in kinds}
    return {"paths": {path: {"serverRelativeURL": f"/openapi/v3/{path}"} for path in sorted(paths)}}


def openapi(kinds: Kinds, path: str) -> Object:
    """GET /openapi/v3/PATH: only what tells kubectl which parameters a kind takes; NoSuchGroupError."""
    served = [kind for kind in kinds if _path(kind) == path]
    if not served:
        raise NoSuchGroupError
    operations: Object = {}
    for kind in served:
        place = "/namespaces/{namespace}" if kind.namespaced else ""
        base = f"/{path}{place}/{kind.plural}"
        operations[base] = {"post": _operation(kind, "post")}
        operations[f"{base}/{{name}}"] = {verb: _operation(kind, verb) for verb in ("put", "patch")}
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes (embedded)", "version": VERSION["gitVersion"]},
        "paths": operations,
        "components": {"schemas": {}},
    }


def _path(kind: Kind) -> str:
    return f"apis/{kind.group}/{kind.version}" if kind.group else f"api/{kind.version}"


def _operation(kind: Kind, verb: str) -> Object:
    names = ("dryRun", "fieldManager", "fieldValidation", *(("force",) if verb == "patch" else ()))
    return {
        "parameters": [{"name": name, "in": "query", "schema": {"type": "string"}} for name in names],
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": verb,
        "x-kubernetes-group-version-kind": {
            "group": kind.group,
            "version": kind.version,
            "kind": kind.name,
        },
    }
