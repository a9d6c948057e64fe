"""Pictures on their way to a lot: a browser sends the file straight to the storage, a worker makes a picture of it.

Owns the rows of uploads and their raw files, which are never shown to anybody. Who may send what where is signed by
`auctions.upload_forms`.
"""

import secrets
from datetime import timedelta
from typing import Final

from django.core.files.storage import Storage, storages
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from auctions import permissions
from auctions.errors import Refused
from auctions.media import ACCEPTED_TYPES, ACCEPTED_WORDS, clean_picture
from auctions.models import Lot, LotImage, LotStatus, Upload, UploadStatus
from auctions.services import MAX_PICTURES, lot_image_store
from auctions.work import work_later

FORM_LIFETIME: Final = timedelta(minutes=10)
"""How long a file may be sent; a slow line needs minutes for the largest."""
KEPT_FOR: Final = timedelta(hours=1)
STUCK_AFTER: Final = timedelta(minutes=2)
MOST_ATTEMPTS: Final = 3
_A_SWEEP: Final = 100


def raw_files() -> Storage:
    """Return where files are before they are looked at; nothing serves them."""
    return storages["uploads"]


def upload_begin(*, actor: User, lot: Lot, content_type: str, alt: str = "") -> Upload:
    """Make room for one file of a lot."""
    if not permissions.can_manage(actor, lot.auction):
        raise Refused("forbidden", _("You may not change this auction."))
    if content_type not in ACCEPTED_TYPES:
        text = _("This is no picture that we take. Use %(formats)s.") % {"formats": ACCEPTED_WORDS}
        raise Refused("not_an_image", text, field="file")
    if lot.status in (LotStatus.SOLD, LotStatus.PASSED, LotStatus.WITHDRAWN):
        raise Refused("lot_closed", _("The lot is closed; its pictures stay on record."), field="file")
    coming = lot.uploads.filter(
        status__in=(UploadStatus.WAITING, UploadStatus.WORKING), created_at__gt=timezone.now() - FORM_LIFETIME
    )
    there = lot.images.count()
    if there >= MAX_PICTURES:
        text = _("A lot has at most %(most)s pictures.") % {"most": MAX_PICTURES}
        raise Refused("too_many_images", text, field="file")
    if there + coming.count() >= MAX_PICTURES:
        text = _("As many pictures as a lot may have, %(most)s, are there or on their way. Wait a few minutes.")
        raise Refused("too_many_uploads", text % {"most": MAX_PICTURES}, field="file")
    return Upload.objects.create(
        lot=lot,
        created_by=actor,
        key=f"{lot.pk}-{actor.pk}-{secrets.token_hex(16)}",
        content_type=content_type,
        alt=alt.strip()[:200],
    )


def upload_claim(*, actor: User, upload: Upload) -> Upload:
    """Have the file that was sent made into a picture; saying it twice is fine."""
    if upload.created_by_id != actor.pk:
        raise Refused("forbidden", _("Somebody else sends this picture."))
    with transaction.atomic():
        if Upload.objects.filter(pk=upload.pk, status=UploadStatus.WAITING).update(
            status=UploadStatus.WORKING, touched_at=timezone.now()
        ):
            work_later("upload_work", upload.pk)
    upload.refresh_from_db()
    return upload


def upload_work(upload_id: int) -> None:
    """Make a picture of its lot of a file that was sent, or say what is wrong with it. Runs once or more."""
    mine = Upload.objects.filter(pk=upload_id, status=UploadStatus.WORKING)
    if not mine.update(attempts=F("attempts") + 1, touched_at=timezone.now()):
        return
    upload = Upload.objects.select_related("created_by", "lot__auction").get(pk=upload_id)
    try:
        if upload.attempts > MOST_ATTEMPTS:
            raise Refused("not_an_image", _("We could not read this picture. Choose another one."))
        if upload.lot is None:
            raise Refused("lot_gone", _("The lot is gone."))
        try:
            with raw_files().open(upload.key) as raw:
                picture = clean_picture(raw)
        except FileNotFoundError:
            raise Refused("upload_missing", _("The file did not arrive. Choose it again.")) from None
        with transaction.atomic():
            # Who began after us has the word: a worker that was thought dead must not add the picture again.
            if not mine.filter(attempts=upload.attempts).update(status=UploadStatus.DONE):
                return
            lot_image_store(actor=upload.created_by, lot=upload.lot, picture=picture, alt=upload.alt)
    except Refused as refused:
        refusal = {"status": UploadStatus.REFUSED, "message": refused.message}
        if not mine.filter(attempts=upload.attempts).update(**refusal):
            return
    raw_files().delete(upload.key)


def uploads_sweep() -> None:
    """Ask again for work that got lost, and forget uploads after a while with what was ever sent for them."""
    now = timezone.now()
    stuck = Upload.objects.filter(status=UploadStatus.WORKING, touched_at__lt=now - STUCK_AFTER)
    for upload_id in stuck.values_list("pk", flat=True)[:_A_SWEEP]:
        work_later("upload_work", upload_id)
    for image_id in LotImage.objects.filter(blur="").order_by("-pk").values_list("pk", flat=True)[:_A_SWEEP]:
        work_later("sizes_make", image_id)
    for upload in Upload.objects.filter(created_at__lt=now - KEPT_FOR).order_by("pk")[:_A_SWEEP]:
        # A form can be sent again until it is too old, so a file may lie there whatever became of the first.
        raw_files().delete(upload.key)
        upload.delete()
