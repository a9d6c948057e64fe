"""What Celery runs for the catalogue: the work on pictures, and what is forgotten, in a queue of its own."""

import structlog
from celery import shared_task

from auctions import audit, uploads
from auctions.models import LotImage
from auctions.services import lot_image_sizes_make

logger = structlog.get_logger(__name__)


@shared_task
def sizes_make(image_id: int) -> None:
    """Make the sizes of a lot's picture."""
    image = LotImage.objects.filter(pk=image_id, blur="").first()
    if image is None:
        return
    try:
        lot_image_sizes_make(image=image)
    except FileNotFoundError:
        logger.warning("picture_missing", image=image_id, file=image.file.name)


@shared_task
def upload_work(upload_id: int) -> None:
    """Make a picture of its lot of a file that arrived."""
    uploads.upload_work(upload_id)


@shared_task
def uploads_sweep() -> None:
    """Do what got lost, and forget uploads that nobody claimed."""
    uploads.uploads_sweep()


@shared_task
def addresses_forget() -> None:
    """Forget from where people of a house acted long ago."""
    audit.addresses_forget()
