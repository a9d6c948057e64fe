"""The signed form that a browser sends a picture with: a presigned POST of S3, or one of the same shape to this site.

Both carry the same fields and the same conditions: the exact key, the exact content type, a range of sizes, and an end.
S3 holds what is sent against them; here `check_local_form` does.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from auctions.media import MAX_UPLOAD_BYTES
from auctions.models import Upload
from auctions.uploads import FORM_LIFETIME, raw_files

LOCAL_BUCKET: Final = "this-site"
_STATUS: Final = "201"
_UNSIGNED: Final = frozenset({"policy", "signature"})


class FormRefused(Exception):
    """What was sent does not meet the form's conditions; `code` is S3's word for it."""

    def __init__(self, code: str, status: int) -> None:
        super().__init__(code)
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True)
class UploadForm:
    """Where a form is sent, and its fields; the file comes last, as `file`."""

    url: str
    fields: dict[str, str]


def upload_form(upload: Upload) -> UploadForm:
    """Return the form that may send this upload's file, and nothing else, until it is too old."""
    fields = {"Content-Type": upload.content_type, "success_action_status": _STATUS}
    conditions: list[Any] = [*({name: value} for name, value in fields.items())]
    conditions.append(["content-length-range", 1, MAX_UPLOAD_BYTES])
    if settings.MEDIA_STORAGE == "s3":
        storage: Any = raw_files()
        form = storage.connection.meta.client.generate_presigned_post(
            storage.bucket_name,
            f"{storage.location}/{upload.key}",
            Fields=fields,
            Conditions=conditions,
            ExpiresIn=int(FORM_LIFETIME.total_seconds()),
        )
        return UploadForm(form["url"], form["fields"])
    fields["key"] = upload.key
    conditions += [{"bucket": LOCAL_BUCKET}, {"key": upload.key}]
    expires = datetime.now(UTC) + FORM_LIFETIME
    document = {"expiration": expires.isoformat(timespec="seconds"), "conditions": conditions}
    policy = base64.b64encode(json.dumps(document).encode()).decode()
    return UploadForm(reverse("upload_local"), {**fields, "policy": policy, "signature": _signature(policy)})


def check_local_form(fields: Mapping[str, str], size: int) -> str:
    """Hold what was sent against its own policy and return the key to store it at, or raise FormRefused."""
    policy = fields.get("policy", "")
    if not constant_time_compare(_signature(policy), fields.get("signature", "")):
        raise FormRefused("SignatureDoesNotMatch", 403)
    # Written by us: the signature says so.
    document = json.loads(base64.b64decode(policy))
    if datetime.now(UTC) >= datetime.fromisoformat(document["expiration"]):
        raise FormRefused("ExpiredToken", 403)
    sent = {"bucket": LOCAL_BUCKET} | {name: value for name, value in fields.items() if name not in _UNSIGNED}
    wanted: dict[str, str] = {}
    for condition in document["conditions"]:
        if isinstance(condition, dict):
            wanted |= condition
        else:
            _range, least, most = condition
            if size < least:
                raise FormRefused("EntityTooSmall", 400)
            if size > most:
                raise FormRefused("EntityTooLarge", 400)
    # Both ways: a field that no condition names is as wrong as one that differs.
    if sent != wanted:
        raise FormRefused("AccessDenied", 403)
    return wanted["key"]


def _signature(policy: str) -> str:
    return salted_hmac("auctions.upload_forms", policy, algorithm="sha256").hexdigest()
