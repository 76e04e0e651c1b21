"""Who a bearer token stands for: users of the laboratory, and service accounts with signed tokens."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
import uuid

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from lab.kubernetes.embedded.admission import SERVICE_ACCOUNTS
from lab.kubernetes.embedded.call import check_builtin
from lab.kubernetes.embedded.errors import (
    ApiError,
    bad_request,
    conflict,
    invalid_request,
    invalid_value,
    not_found,
)
from lab.kubernetes.embedded.kinds import Kind
from lab.kubernetes.embedded.objects import Json, Object, clone, dig, timestamp
from lab.kubernetes.embedded.store import Store

#: Audience of tokens for the API itself.
API_AUDIENCE = "https://kubernetes.default.svc"
_PODS = ("", "pods")
_VERSION = "authentication.k8s.io/v1"
_LEAST_SECONDS = 600
_MOST_SECONDS = 2**32


class Tokens:
    """Issues and recognises tokens."""

    def __init__(self, store: Store, issuer: str) -> None:
        self._store = store
        self._issuer = issuer
        self._users: dict[str, str] = {}
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = self._key.public_key()
        der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self._key_id = _encoded(hashlib.sha256(der).digest())
        numbers = public.public_numbers()
        self.key_set: Object = {
            "keys": [
                {
                    "use": "sig",
                    "kty": "RSA",
                    "kid": self._key_id,
                    "alg": "RS256",
                    "n": _encoded(numbers.n.to_bytes(256, "big")),
                    "e": _encoded(numbers.e.to_bytes(3, "big")),
                }
            ]
        }

    @property
    def configuration(self) -> Object:
        """The issuer's OpenID configuration."""
        return {
            "issuer": self._issuer,
            "jwks_uri": f"{self._issuer}/keys",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def token_of(self, user: str) -> str:
        """A random token for a user by name."""
        token = secrets.token_urlsafe(32)
        self._users[token] = user
        return token

    def user_of(self, authorization: str) -> str | None:
        """The user of an Authorization header, or None."""
        scheme, _space, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        return self._users.get(token) or self._service_account_of(token)

    def request(self, kind: Kind, namespace: str, name: str, body: Object) -> Object:
        """TokenRequest for a service account: the answer with its token."""
        account = self._store.get(SERVICE_ACCOUNTS, namespace, name)
        if account is None:
            raise not_found(kind, name)
        check_builtin(
            "TokenRequest", _VERSION, body.get("kind") or "TokenRequest", body.get("apiVersion") or _VERSION
        )
        spec = clone(body.get("spec") or {})
        spec["audiences"] = spec.get("audiences") or [API_AUDIENCE]
        seconds = spec.setdefault("expirationSeconds", 3600)
        _check_duration(seconds)
        spec.setdefault("boundObjectRef", None)
        private: Object = {"namespace": namespace, "serviceaccount": _identity(account)}
        if spec["boundObjectRef"]:
            private.update(self._bound(kind, namespace, account, spec["boundObjectRef"]))
        token = self._signed(
            {
                "aud": spec["audiences"],
                "sub": f"system:serviceaccount:{namespace}:{name}",
                "kubernetes.io": private,
            },
            seconds,
        )
        return {
            "kind": "TokenRequest",
            "apiVersion": _VERSION,
            "metadata": {**_identity(account), "namespace": namespace, "creationTimestamp": timestamp()},
            "spec": spec,
            "status": {"token": token, "expirationTimestamp": timestamp(seconds)},
        }

    def _bound(self, kind: Kind, namespace: str, account: Object, reference: Object) -> Object:
        name = account["metadata"]["name"]
        bound = reference.get("name", "")
        if reference.get("kind") != "Pod":
            group, _slash, version = reference.get("apiVersion", "").rpartition("/")
            kind_name = f"{group}/{version}, Kind={reference.get('kind')}"
            raise bad_request(f"cannot bind token to object of type {kind_name}")
        pod = self._store.get(_PODS, namespace, bound)
        if pod is None:
            raise ApiError(404, "NotFound", f'pods "{bound}" not found', {"name": bound, "kind": "pods"})
        if pod["spec"]["serviceAccountName"] != name:
            why = "to pod running with different serviceaccount name."
            raise bad_request(f'cannot bind token for serviceaccount "{name}" {why}')
        if reference.get("uid") not in (None, "", pod["metadata"]["uid"]):
            why = (
                f"the UID in the bound object reference ({reference['uid']}) does not match the UID in record"
            )
            raise conflict(kind, name, f"{why}. The object might have been deleted and then recreated")
        reference["uid"] = pod["metadata"]["uid"]
        return {"pod": _identity(pod)}

    def _signed(self, claims: Object, seconds: int) -> str:
        now = int(time.time())
        header = {"alg": "RS256", "kid": self._key_id}
        payload = {
            **claims,
            "exp": now + seconds,
            "iat": now,
            "nbf": now,
            "iss": self._issuer,
            "jti": str(uuid.uuid4()),
        }
        message = f"{_encoded(_document(header))}.{_encoded(_document(payload))}"
        signature = self._key.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{message}.{_encoded(signature)}"

    def _service_account_of(self, token: str) -> str | None:
        claims = self._verified(token)
        if claims is None or API_AUDIENCE not in claims["aud"] or claims["exp"] <= time.time():
            return None
        private = claims["kubernetes.io"]
        namespace = private["namespace"]
        for place, word in ((SERVICE_ACCOUNTS, "serviceaccount"), (_PODS, "pod")):
            known = private.get(word)
            present = self._store.get(place, namespace, known["name"]) if known else None
            if known and dig(present, "metadata", "uid") != known["uid"]:
                return None
        return str(claims["sub"])

    def _verified(self, token: str) -> Object | None:
        message, _dot, signature = token.rpartition(".")
        try:
            self._key.public_key().verify(
                _decoded(signature), message.encode(), padding.PKCS1v15(), hashes.SHA256()
            )
        except (InvalidSignature, ValueError):
            return None
        claims: Object = json.loads(_decoded(message.partition(".")[2]))
        return claims


def _check_duration(seconds: int) -> None:
    """ApiError 422 when a token would end too early or too late."""
    if seconds < _LEAST_SECONDS:
        detail = "may not specify a duration less than 10 minutes"
    elif seconds > _MOST_SECONDS:
        detail = "may not specify a duration larger than 2^32 seconds"
    else:
        return
    problem = invalid_value("spec.expirationSeconds", seconds, detail)
    raise invalid_request("authentication.k8s.io", "TokenRequest", "", [problem])


def _identity(item: Object) -> Object:
    return {"name": item["metadata"]["name"], "uid": item["metadata"]["uid"]}


def _document(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
