"""What people say of themselves, and what staff says of them: profiles, the wish to host, the verified badge.

Leaving and taking one's data along need the live floor and are in `bidding.leaving`. Strikes are in
`auctions.standing`.
"""

import secrets
from typing import IO, Final

from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.languages import speaking_to
from accounts.models import HostRequest, HostRequestStatus, User
from accounts.services import mail_send
from auctions.audit import audited
from auctions.errors import Refused
from auctions.media import clean_picture
from auctions.permissions import can_host, is_administrator

AVATAR_EDGE: Final = 256
LONGEST_NAME: Final = 60
LONGEST_ADDRESS: Final = 400
LONGEST_ABOUT: Final = 2_000
LONGEST_REASON: Final = 1_000


# --- One's own profile ---------------------------------------------------------------------------------


def profile_update(*, user: User, display_name: str, delivery_address: str) -> User:
    """Change what somebody says of themselves."""
    name, address = " ".join(display_name.split()), address_clean(delivery_address)
    if len(name) > LONGEST_NAME:
        raise Refused("too_long", _("At most %(most)d characters.") % {"most": LONGEST_NAME}, field="display_name")
    if "@" in name:
        # It is shown to other people.
        raise Refused("invalid", _("A name, please, and not an e-mail address."), field="display_name")
    user.display_name, user.delivery_address = name, address
    user.save(update_fields=["display_name", "delivery_address"])
    return user


def address_set(*, user: User, delivery_address: str) -> User:
    """Change only where somebody's orders go."""
    user.delivery_address = address_clean(delivery_address)
    user.save(update_fields=["delivery_address"])
    return user


def address_clean(text: str) -> str:
    """Return an address as it is kept; refuse one that is too long."""
    address = text.replace("\r\n", "\n").strip()
    if len(address) > LONGEST_ADDRESS:
        raise Refused(
            "too_long", _("At most %(most)d characters.") % {"most": LONGEST_ADDRESS}, field="delivery_address"
        )
    return address


def avatar_set(*, user: User, upload: IO[bytes]) -> User:
    """Replace somebody's picture by a re-encoded square of an upload."""
    picture = clean_picture(upload, field="avatar", square=AVATAR_EDGE)
    with transaction.atomic():
        _forget_file(user)
        user.avatar.save(f"{secrets.token_hex(16)}.{picture.extension}", ContentFile(picture.content), save=False)
        user.save(update_fields=["avatar"])
    return user


def avatar_remove(*, user: User) -> User:
    """Take somebody's picture away; its file goes after the commit."""
    with transaction.atomic():
        _forget_file(user)
        user.avatar = ""
        user.save(update_fields=["avatar"])
    return user


def _forget_file(user: User) -> None:
    storage, name = user.avatar.storage, user.avatar.name
    if name:
        transaction.on_commit(lambda: storage.delete(name))


# --- Becoming a host -----------------------------------------------------------------------------------


def host_request_make(*, user: User, house: str, about: str) -> HostRequest:
    """Ask for the right to host auctions. Who asked already, or may host, cannot ask again."""
    house, about = " ".join(house.split()), about.replace("\r\n", "\n").strip()
    if can_host(user):
        raise Refused("host_already", _("You may host auctions already."))
    if not house or len(house) > 120:
        raise Refused("required", _("Name your house in at most 120 characters."), field="house")
    if not about or len(about) > LONGEST_ABOUT:
        raise Refused("required", _("Tell us in a few sentences what you would like to sell."), field="about")
    try:
        with transaction.atomic():
            return HostRequest.objects.create(user=user, house=house, about=about)
    except IntegrityError:
        raise Refused("asked_already", _("We have your request and will answer it.")) from None


@audited
def host_request_answer(*, request: HostRequest, actor: User, granted: bool, reason: str) -> HostRequest:
    """Let somebody host, or say why not; they are told by mail. An answer is given once.

    A host may enter the admin, and their house is made with the first auction.
    """
    if not is_administrator(actor):
        raise Refused("forbidden", _("You may not decide who hosts."))
    reason = reason.strip()
    if len(reason) > LONGEST_REASON or not (granted or reason):
        raise Refused(
            "required", _("Say why, in at most %(most)d characters.") % {"most": LONGEST_REASON}, field="reason"
        )
    with transaction.atomic():
        request = HostRequest.objects.select_for_update(of=("self",)).select_related("user").get(pk=request.pk)
        if request.status != HostRequestStatus.OPEN:
            raise Refused("answered", _("This request was answered already."))
        request.status = HostRequestStatus.GRANTED if granted else HostRequestStatus.DECLINED
        request.reason, request.answered_by, request.answered_at = reason, actor, timezone.now()
        request.save(update_fields=["status", "reason", "answered_by", "answered_at"])
        if granted:
            request.user.is_staff = True
            request.user.save(update_fields=["is_staff"])
        with speaking_to(request.user):
            if granted:
                subject, words = _("You may host auctions"), _("You can create your first auction now.")
            else:
                subject, words = _("Your request to host auctions"), _("We cannot let you host auctions now.")
        mail_send(user=request.user, subject=subject, text=f"{words}\n\n{reason}".strip() + "\n")
    return request


# --- The verified badge --------------------------------------------------------------------------------


@audited
def verified_set(*, user: User, actor: User, verified: bool) -> User:
    """Give somebody the verified badge, which hosts see at the paddle, or take it away."""
    if not is_administrator(actor):
        raise Refused("forbidden", _("You may not decide who is verified."))
    if verified != (user.verified_at is not None):
        user.verified_at = timezone.now() if verified else None
        user.save(update_fields=["verified_at"])
    return user
