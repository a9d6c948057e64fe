"""What the tests of sign-in share: the settings of a public site, codes of an app, and a passkey without a browser."""

import hashlib
import os
import time
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from django.urls import get_resolver
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

from accounts.models import User

SECRET = "JBSWY3DPEHPK3PXP"


@pytest.fixture(autouse=True)
def app_clock(monkeypatch: Any) -> None:
    """Stop the clock of authenticator apps: a code counts for its own 30 s only, and a test may cross their end."""
    now = time.time()
    monkeypatch.setattr(totp, "time", SimpleNamespace(time=lambda: now))


@pytest.fixture
def public_site(settings: Any, side: Any) -> None:
    """Let the settings be those of a site that is neither a demo nor under development."""
    get_resolver().url_patterns  # noqa: B018 - allauth decides once which pages there are: all of them, for every test
    settings.DEMO = False
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
    settings.SECOND_FACTOR_REQUIRED = True


def app_code(secret: str = SECRET) -> str:
    """Return what an authenticator app shows now."""
    return format_hotp_value(hotp_value(secret, int(totp.time.time()) // 30))


def with_app(user: User) -> Authenticator:
    """Give somebody an authenticator app."""
    authenticator: Authenticator = TOTP.activate(user, SECRET).instance
    return authenticator


@dataclass
class Passkey:
    """An authenticator that holds one key for the site, and answers as a browser would."""

    key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    identity: bytes = field(default_factory=lambda: os.urandom(16))
    handle: bytes = b""
    site: str = "testserver"

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer a request to make the key."""
        self.handle = websafe_decode(options["publicKey"]["user"]["id"])
        public = ES256.from_cryptography_key(self.key.public_key())
        flags = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV | AuthenticatorData.FLAG.AT
        made = AttestedCredentialData.create(Aaguid.NONE, self.identity, public)
        told = AuthenticatorData.create(self._site_hash, flags, 0, made)
        response = {
            "clientDataJSON": websafe_encode(self._client_data("webauthn.create", options)),
            "attestationObject": websafe_encode(AttestationObject.create("none", told, {})),
        }
        return self._credential(response)

    def get(self, options: dict[str, Any], *, verified: bool = True) -> dict[str, Any]:
        """Answer a request to sign in, with or without having asked for finger, face or PIN."""
        flags = AuthenticatorData.FLAG.UP | (AuthenticatorData.FLAG.UV if verified else 0)
        told = AuthenticatorData.create(self._site_hash, flags, 1)
        client_data = self._client_data("webauthn.get", options)
        signature = self.key.sign(told + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": websafe_encode(client_data),
            "authenticatorData": websafe_encode(told),
            "signature": websafe_encode(signature),
            "userHandle": websafe_encode(self.handle),
        }
        return self._credential(response)

    @property
    def _site_hash(self) -> bytes:
        return hashlib.sha256(self.site.encode()).digest()

    def _client_data(self, kind: str, options: dict[str, Any]) -> bytes:
        challenge = options["publicKey"]["challenge"]
        return CollectedClientData.create(type=kind, origin=f"https://{self.site}", challenge=challenge)

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        identity = websafe_encode(self.identity)
        properties = {"credProps": {"rk": True}}
        return {
            "type": "public-key",
            "id": identity,
            "rawId": identity,
            "response": response,
            "clientExtensionResults": properties,
        }


def sign_in(client: Client, user: User, password: str, **extra: str) -> Any:
    """Send address and password."""
    return client.post("/accounts/login/", {"login": user.email, "password": password, **extra})
