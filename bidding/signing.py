"""The site's signature under the results: which key signs, and the signed heads of the chain.

Owns the private key's whereabouts and the published public ones. Called by the ledger inside its transaction;
decides nothing about auctions. A key that was used is never taken back: what it signed must stay verifiable.
"""

import base64
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils import timezone

from auctions.models import Auction
from bidding.chain import head_message, key_id_of
from bidding.models import Event, SignedHead, SigningKey

SIGNED_KINDS: Final = frozenset({"LOT_CLOSED", "AUCTION_ENDED", "AUCTION_CANCELLED"})
"""The entries whose head is signed: from each on, something is decided that people rely on."""
_SEED_BYTES: Final = 32


def heads_sign(auction: Auction, events: Iterable[Event]) -> None:
    """Sign the chain at every closing among these entries, which the caller stores in the same transaction."""
    closings = [event for event in events if event.kind in SIGNED_KINDS]
    if not closings:
        return
    private_key = _private_key()
    row = _published(private_key.public_key())
    SignedHead.objects.bulk_create(
        SignedHead(
            auction=auction,
            v=event.v,
            epoch=event.epoch,
            hash=event.hash,
            key=row,
            signature=private_key.sign(head_message(auction.pk, event.v, event.epoch, event.hash)).hex(),
        )
        for event in closings
    )


def signing_key_publish() -> SigningKey:
    """Publish the public key of this site's signing key, and retire the one before; harmless when repeated.

    Raises ImproperlyConfigured where there is no usable key: a ledger asks at its start, before anything waits for it.
    """
    return _published(_private_key().public_key())


def signing_key_rotate() -> tuple[SigningKey | None, str | None]:
    """Make a new signing key. Where the site keeps its own, it takes over at once and its row is returned.

    Elsewhere the private key is returned in the form that SIGNING_KEY takes: whoever runs the site puts it there, and
    the ledger publishes it when it starts with it.
    """
    seed = os.urandom(_SEED_BYTES)
    if settings.SIGNING_KEY or settings.SIGNING_KEY_FILE is None:
        return None, base64.b64encode(seed).decode()
    _keep(seed, settings.SIGNING_KEY_FILE, replace=True)
    return signing_key_publish(), None


def is_signature_of(head: SignedHead) -> bool:
    """Say whether a stored head was signed by the key that it names."""
    try:
        public_key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(head.key.public_key))
        public_key.verify(bytes.fromhex(head.signature), head_message(head.auction_id, head.v, head.epoch, head.hash))
    except (InvalidSignature, ValueError):
        return False
    return True


def public_keys() -> dict[str, str]:
    """Return the public keys (hex) of this site by their ids, as the check of a record takes them."""
    return dict(SigningKey.objects.values_list("key_id", "public_key"))


def published_keys() -> dict[str, Any]:
    """Return every public key of this site, the current one first, as a JSON Web Key Set."""
    return {
        "keys": [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "alg": "EdDSA",
                "use": "sig",
                "kid": key.key_id,
                "x": base64.urlsafe_b64encode(bytes.fromhex(key.public_key)).decode().rstrip("="),
                "created_at": key.created_at.isoformat(),
                "retired_at": key.retired_at.isoformat() if key.retired_at else None,
            }
            for key in sorted(SigningKey.objects.all(), key=lambda key: (key.retired_at is not None, key.created_at))
        ]
    }


def _private_key() -> Ed25519PrivateKey:
    """Return the key to sign with. Read each time: closings are rare, and a rotated key takes over by itself."""
    if settings.SIGNING_KEY:
        return _parsed(settings.SIGNING_KEY, "SIGNING_KEY")
    path = settings.SIGNING_KEY_FILE
    if path is None:
        raise ImproperlyConfigured(
            "SIGNING_KEY is not set: the ledger signs results with it. `manage.py rotate_signing_key` makes one; "
            "see docs/proof.md."
        )
    if not path.exists():
        _keep(os.urandom(_SEED_BYTES), path, replace=False)
    return _parsed(path.read_text("ascii"), str(path))


def _parsed(text: str, where: str) -> Ed25519PrivateKey:
    try:
        if "-----BEGIN" in text:
            # One line is all that some secret stores keep.
            key = load_pem_private_key(text.replace("\\n", "\n").encode(), password=None)
        else:
            key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(text.strip(), validate=True))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ImproperlyConfigured(f"{where} is no usable key: expected Ed25519, PEM or 32 bytes in base64.") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ImproperlyConfigured(f"{where} holds another kind of key: expected Ed25519.")
    return key


def _keep(seed: bytes, path: Path, *, replace: bool) -> None:
    """Write a key for its owner alone, whole or not at all; where another process was first, its key stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".signing-key-")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(base64.b64encode(seed).decode() + "\n")
            file.flush()
            os.fsync(file.fileno())
        if replace:
            Path(name).replace(path)
        else:
            try:
                os.link(name, path)
            except FileExistsError:
                return
    finally:
        Path(name).unlink(missing_ok=True)


def _published(public_key: Ed25519PublicKey) -> SigningKey:
    raw = public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    with transaction.atomic():
        row, created = SigningKey.objects.get_or_create(key_id=key_id_of(raw), defaults={"public_key": raw.hex()})
        if created:
            # A ledger that still has the key before may go on signing with it; it only is not the newest any more.
            SigningKey.objects.exclude(pk=row.pk).filter(retired_at=None).update(retired_at=timezone.now())
    return row
