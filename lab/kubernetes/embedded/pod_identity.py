"""What EKS' webhook does to a new pod whose service account names an IAM role."""

from __future__ import annotations

from lab.kubernetes.embedded.objects import Object

_ANNOTATION = "eks.amazonaws.com"
_VOLUME = "aws-iam-token"
_MOUNT = "/var/run/secrets/eks.amazonaws.com/serviceaccount"
_SECONDS = 86400


def give_role(account: Object, spec: Object) -> None:
    """Let the containers of a pod find the role, and a token of their account for AWS."""
    annotations = account["metadata"].get("annotations") or {}
    role = annotations.get(f"{_ANNOTATION}/role-arn")
    if not role:
        return
    told = {
        "AWS_STS_REGIONAL_ENDPOINTS": "regional",
        "AWS_ROLE_ARN": role,
        "AWS_WEB_IDENTITY_TOKEN_FILE": f"{_MOUNT}/token",
    }
    for container in [*spec.get("initContainers", []), *spec.get("containers", [])]:
        given = container.setdefault("env", [])
        names = {entry["name"] for entry in given}
        given += [{"name": name, "value": value} for name, value in told.items() if name not in names]
        mounts = container.setdefault("volumeMounts", [])
        mounts.append({"name": _VOLUME, "readOnly": True, "mountPath": _MOUNT})
    token = {
        "audience": annotations.get(f"{_ANNOTATION}/audience", "sts.amazonaws.com"),
        "expirationSeconds": int(annotations.get(f"{_ANNOTATION}/token-expiration", _SECONDS)),
        "path": "token",
    }
    projected = {"sources": [{"serviceAccountToken": token}], "defaultMode": 420}
    spec.setdefault("volumes", []).append({"name": _VOLUME, "projected": projected})
