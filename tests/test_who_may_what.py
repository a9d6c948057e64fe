"""Every address, every socket and every message against every kind of person, as one explicit table.

An address of the site without a row here fails, and so does a row without its address. Nothing is ever a 500, and no
answer tells an address, a reserve, a maximum or a stream key to whom it does not concern.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest
from django.contrib import admin
from django.contrib.messages import WARNING, get_messages

from auctions.models import Auction, Visibility
from bidding import protocol
from bidding.relay import routing as relay
from bidding.room import routing as room
from bidding.tests.relays import camera, screen
from bidding.tests.rooms import RoomServer, page
from tests import who_may_what
from tests.who_may_what import (
    BID_ID,
    BOARD_NONCE,
    LOGIN,
    MAXIMUM,
    PEOPLE,
    RESERVE,
    STREAM_KEY,
    World,
    addresses,
    outcome,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

Cases = Mapping[int | str, frozenset[str]]
"""The people who get each answer; the last one is for all the others."""

ALL: Final = frozenset(PEOPLE)
REST: Final[frozenset[str]] = frozenset()
NOBODY_KNOWN: Final = frozenset({"anonymous"})
BIDDERS: Final = frozenset({"bidder", "banned"})
MANAGERS: Final = frozenset({"auctioneer", "owner", "administrator"})
ENTERING: Final = MANAGERS | {"clerk"}
MODERATORS: Final = MANAGERS | {"moderator", "named"}
HOUSE: Final = frozenset({"owner", "auctioneer", "clerk", "moderator", "finance"})
KNOWING: Final = frozenset({"owner", "auctioneer", "clerk", "finance", "administrator"})
STRIKING: Final = MANAGERS | {"finance"}
BILLED: Final = STRIKING | {"bidder"}
"""The buyer of an order, and who handles the money of the house."""
INSIDE: Final = HOUSE | {"named", "administrator"}
VIEWERS: Final = INSIDE | BIDDERS | {"invited"}
LISTED: Final = HOUSE | BIDDERS | {"invited"}
ADMINISTRATOR: Final = frozenset({"administrator"})
DOOR: Final = HOUSE | {"other_owner", "staff", "administrator"}
"""Who gets past the door of the admin."""


@pytest.fixture
def world(host, organizer, other_host, staff, floor, side) -> World:
    """Return the world of the table."""
    return who_may_what.build(host, organizer, other_host, staff)


# --- The table -----------------------------------------------------------------------------------------

EVERYBODY: Final[Cases] = {200: REST}
MOVED: Final[Cases] = {301: REST}
MISSING: Final[Cases] = {404: REST}
SIGNED_IN: Final[Cases] = {LOGIN: NOBODY_KNOWN, 200: REST}
SENT_ON: Final[Cases] = {LOGIN: NOBODY_KNOWN, 302: REST}
NONE_OF_THEIRS: Final[Cases] = {LOGIN: NOBODY_KNOWN, 404: REST}
ONLY_ANONYMOUS: Final[Cases] = {200: NOBODY_KNOWN, 302: REST}
IF_VISIBLE: Final[Cases] = {200: VIEWERS, 404: REST}
IF_WATCHED: Final[Cases] = {200: VIEWERS - {"banned"}, 404: REST}
"""Who was banned sees the pictures of the show no more, live or recorded."""
MANAGED: Final[Cases] = {LOGIN: NOBODY_KNOWN, 200: MANAGERS, 404: REST}
PAID_OUT: Final[Cases] = {LOGIN: NOBODY_KNOWN, 200: STRIKING, 404: REST}
"""For those who handle the money of the house."""
CAN_HOST: Final = MANAGERS | DOOR


def moderated(status: int) -> Cases:
    """Return the row of what only moderators of the auction may do."""
    return {401: NOBODY_KNOWN, status: MODERATORS, 404: REST}


PAGES: Final[dict[str, dict[str, Cases]]] = {
    "": {"GET": EVERYBODY},
    "search/": {"GET": EVERYBODY},
    "categories/<slug:slug>/": {"GET": EVERYBODY},
    "auctions/": {"GET": EVERYBODY},
    # It has this one show, which lists show to those who are invited or have a paddle.
    "hosts/<slug:slug>/": {"GET": {200: LISTED, 404: REST}},
    "hosts/<slug:slug>/follow/": {
        "GET": {LOGIN: NOBODY_KNOWN, 302: LISTED, 404: REST},
        "POST": {LOGIN: NOBODY_KNOWN, 302: LISTED, 404: REST},
    },
    "auctions/<slug:slug>/": {"GET": IF_VISIBLE},
    "auctions/<slug:slug>/reminder/": {
        "GET": {LOGIN: NOBODY_KNOWN, 302: VIEWERS, 404: REST},
        "POST": {LOGIN: NOBODY_KNOWN, 302: VIEWERS, 404: REST},
    },
    # It has no time.
    "auctions/<slug:slug>/calendar.ics": {"GET": MISSING},
    "auctions/<slug:slug>/paddle/": {
        "GET": {LOGIN: NOBODY_KNOWN, 302: BIDDERS, 200: VIEWERS, 404: REST},
        "POST": {LOGIN: NOBODY_KNOWN, 302: BIDDERS | {"invited"}, 422: INSIDE, 404: REST},
    },
    "auctions/<slug:slug>/entrance/": {
        "GET": IF_VISIBLE,
        "POST": {200: BIDDERS | {"invited"}, 422: INSIDE, 404: REST},
    },
    "auctions/<slug:slug>/bid/": {"POST": {LOGIN: NOBODY_KNOWN, 302: VIEWERS, 404: REST}},
    # Whom a decision concerns.
    "auctions/<slug:slug>/decided/": {
        "GET": {LOGIN: NOBODY_KNOWN, 200: frozenset({"banned"}), 404: REST},
        "POST": {LOGIN: NOBODY_KNOWN, 422: frozenset({"banned"}), 404: REST},
    },
    "auctions/<slug:slug>/board/": {"GET": IF_VISIBLE},
    "auctions/<slug:slug>/replay/": {"GET": IF_WATCHED},
    "auctions/<slug:slug>/replay/<int:recording_id>/stream": {"GET": IF_WATCHED},
    "auctions/<slug:slug>/replay/<int:recording_id>/table": {"GET": IF_WATCHED},
    # A service recorded nothing here.
    "auctions/<slug:slug>/replay/<int:recording_id>/hls/<path:name>": {"GET": MISSING},
    # Nothing is sent here; who gets what is sent stands in bidding/tests/test_relay_hls.py.
    "streams/<int:channel_id>/live.m3u8": {"GET": MISSING},
    "streams/<int:channel_id>/<slug:epoch>.mp4": {"GET": MISSING},
    "streams/<int:channel_id>/<slug:epoch>-<int:number>.m4s": {"GET": MISSING},
    "lots/<int:lot_id>/": {"GET": IF_VISIBLE},
    "lots/<int:lot_id>/pre-bid/": {
        "GET": {LOGIN: NOBODY_KNOWN, 302: VIEWERS, 404: REST},
        "POST": {LOGIN: NOBODY_KNOWN, 302: VIEWERS, 404: REST},
    },
    # The bidder's; what is sent names no offer.
    "lots/<int:lot_id>/offer/": {
        "GET": {LOGIN: NOBODY_KNOWN, 200: frozenset({"bidder"}), 404: REST},
        "POST": {LOGIN: NOBODY_KNOWN, 409: frozenset({"bidder"}), 404: REST},
    },
    "lots/<int:lot_id>/watch/": {
        "GET": {LOGIN: NOBODY_KNOWN, 302: VIEWERS, 404: REST},
        "POST": {LOGIN: NOBODY_KNOWN, 302: VIEWERS, 404: REST},
    },
    # Maxima and what is refused are not told to the house.
    "host/lots/<int:lot_id>/timeline/": {"GET": {LOGIN: NOBODY_KNOWN, 200: KNOWING, 404: REST}},
    "host/lots/<int:lot_id>/timeline.csv": {"GET": {LOGIN: NOBODY_KNOWN, 200: KNOWING, 404: REST}},
    ".well-known/auction-signing-key.json": {"GET": EVERYBODY},
    "metrics": {"GET": EVERYBODY},
    "media/<path:path>": {"GET": MISSING},
    "my/bids/": {"GET": SIGNED_IN},
    "my/notifications/": {"GET": SIGNED_IN},
    "my/notifications/read/": {"POST": SENT_ON},
    "my/notifications/settings/": {"GET": SIGNED_IN, "POST": SENT_ON},
    # The bidder's.
    "my/notifications/<int:notification_id>/": {"GET": {LOGIN: NOBODY_KNOWN, 302: frozenset({"bidder"}), 404: REST}},
    # This site has no key for messages.
    "my/devices/": {"POST": {LOGIN: NOBODY_KNOWN, 422: REST}},
    "my/devices/<int:device_id>/remove/": {"POST": {LOGIN: NOBODY_KNOWN, 302: frozenset({"bidder"}), 404: REST}},
    # Who has a token from a mail; nobody here does.
    "unsubscribe/<str:token>/": {"GET": MISSING, "POST": MISSING},
    "sw.js": {"GET": EVERYBODY},
    "site.webmanifest": {"GET": EVERYBODY},
    "orders/<int:order_id>/": {
        "GET": {LOGIN: NOBODY_KNOWN, 200: BILLED, 404: REST},
        "POST": {LOGIN: NOBODY_KNOWN, 302: frozenset({"bidder"}), 422: BILLED, 404: REST},
    },
    # This site takes no payments online: the buyer is led back to the order.
    "orders/<int:order_id>/pay/": {
        "GET": {LOGIN: NOBODY_KNOWN, 302: frozenset({"bidder"}), 404: REST},
        "POST": {LOGIN: NOBODY_KNOWN, 302: frozenset({"bidder"}), 404: REST},
    },
    "payments/stripe/": {"POST": MISSING},
    "orders/<int:order_id>/invoices/<int:number>/": {"GET": {LOGIN: NOBODY_KNOWN, 200: BILLED, 404: REST}},
    "orders/<int:order_id>/invoices/<int:number>/pdf/": {"GET": {LOGIN: NOBODY_KNOWN, 200: BILLED, 404: REST}},
    "accounts/profile/": {"GET": SIGNED_IN, "POST": SENT_ON},
    "accounts/profile/data/": {"GET": SIGNED_IN},
    "accounts/profile/close/": {"GET": SENT_ON, "POST": SENT_ON},
    "host/request/": {"GET": SIGNED_IN, "POST": {LOGIN: NOBODY_KNOWN, 422: REST}},
    "host/auctions/": {"GET": SIGNED_IN},
    "host/auctions/new/": {
        "GET": {LOGIN: NOBODY_KNOWN, 200: CAN_HOST, 403: REST},
        "POST": {LOGIN: NOBODY_KNOWN, 422: CAN_HOST, 403: REST},
    },
    "host/site/": {"GET": {LOGIN: NOBODY_KNOWN, 200: ADMINISTRATOR, 404: REST}},
    "host/site/signs/": {"GET": {LOGIN: NOBODY_KNOWN, 200: ADMINISTRATOR, 404: REST}},
    "host/moderation/": {"GET": {LOGIN: NOBODY_KNOWN, 200: MODERATORS, 404: REST}},
    "host/moderation/reports/<int:report_id>/": {
        "GET": {LOGIN: NOBODY_KNOWN, 200: MODERATORS, 404: REST},
        "POST": {LOGIN: NOBODY_KNOWN, 302: MODERATORS, 404: REST},
    },
    "host/moderation/appeals/<int:appeal_id>/": {
        "GET": {LOGIN: NOBODY_KNOWN, 302: MODERATORS, 404: REST},
        "POST": {LOGIN: NOBODY_KNOWN, 302: MODERATORS, 404: REST},
    },
    # Who was named for one auction does not speak for the house.
    "host/moderation/words/<int:organizer_id>/": {
        "GET": {LOGIN: NOBODY_KNOWN, 302: MODERATORS - {"named"}, 404: REST},
        "POST": {LOGIN: NOBODY_KNOWN, 302: MODERATORS - {"named"}, 404: REST},
    },
    "host/auctions/<int:auction_id>/analytics/": {"GET": {LOGIN: NOBODY_KNOWN, 200: KNOWING, 404: REST}},
    "host/auctions/<int:auction_id>/analytics.csv": {"GET": {LOGIN: NOBODY_KNOWN, 200: KNOWING, 404: REST}},
    "host/auctions/<int:auction_id>/": {"GET": MANAGED},
    "host/auctions/<int:auction_id>/board/": {
        "GET": {LOGIN: NOBODY_KNOWN, 302: MANAGERS, 404: REST},
        "POST": {LOGIN: NOBODY_KNOWN, 302: MANAGERS, 404: REST},
    },
    "host/auctions/<int:auction_id>/camera/": {
        "GET": MANAGED,
        "POST": {LOGIN: NOBODY_KNOWN, 302: MANAGERS, 404: REST},
    },
    # The relay's key stands on the camera's page; only a service gives one on demand.
    "host/auctions/<int:auction_id>/camera/key/": {"POST": NONE_OF_THEIRS},
    "host/auctions/<int:auction_id>/camera/resume/": {"POST": {LOGIN: NOBODY_KNOWN, 409: MANAGERS, 404: REST}},
    "host/auctions/<int:auction_id>/edit/": {
        "GET": MANAGED,
        "POST": {LOGIN: NOBODY_KNOWN, 422: MANAGERS, 404: REST},
    },
    "host/auctions/<int:auction_id>/rehearsal/": {
        "GET": MANAGED,
        "POST": {LOGIN: NOBODY_KNOWN, 422: MANAGERS, 404: REST},
    },
    "host/auctions/<int:auction_id>/rehearsal/put-away/": {
        "GET": {LOGIN: NOBODY_KNOWN, 302: MANAGERS, 404: REST},
        "POST": {LOGIN: NOBODY_KNOWN, 302: MANAGERS, 404: REST},
    },
    "host/auctions/<int:auction_id>/recording/": {
        "GET": {LOGIN: NOBODY_KNOWN, 302: MANAGERS, 404: REST},
        "POST": {LOGIN: NOBODY_KNOWN, 302: MANAGERS, 404: REST},
    },
    "host/auctions/<int:auction_id>/lots/": {
        "GET": MANAGED,
        "POST": {LOGIN: NOBODY_KNOWN, 422: MANAGERS, 404: REST},
    },
    "host/auctions/<int:auction_id>/import/": {
        "GET": MANAGED,
        "POST": {LOGIN: NOBODY_KNOWN, 422: MANAGERS, 404: REST},
    },
    "host/auctions/<int:auction_id>/lots.csv": {"GET": MANAGED},
    "host/auctions/<int:auction_id>/duplicate/": {"POST": {LOGIN: NOBODY_KNOWN, 302: MANAGERS, 404: REST}},
    "host/houses/<int:organizer_id>/": {
        "GET": MANAGED,
        "POST": {LOGIN: NOBODY_KNOWN, 422: MANAGERS, 404: REST},
    },
    # The lot is open: its rules are frozen.
    "host/lots/<int:lot_id>/": {
        "GET": {LOGIN: NOBODY_KNOWN, 302: MANAGERS, 404: REST},
        "POST": {LOGIN: NOBODY_KNOWN, 302: MANAGERS, 404: REST},
    },
    "host/lots/<int:lot_id>/row/": {"POST": {LOGIN: NOBODY_KNOWN, 422: MANAGERS, 404: REST}},
    "host/lots/<int:lot_id>/<slug:act>/": {"POST": {LOGIN: NOBODY_KNOWN, 302: MANAGERS, 404: REST}},
    "host/auctions/<int:auction_id>/orders/": {
        "GET": PAID_OUT,
        "POST": {LOGIN: NOBODY_KNOWN, 302: STRIKING, 404: REST},
    },
    "host/auctions/<int:auction_id>/orders/<slug:name>.csv": {"GET": PAID_OUT},
    "host/auctions/<int:auction_id>/packing/": {"GET": PAID_OUT},
    "host/auctions/<int:auction_id>/donations/": {"GET": PAID_OUT},
    # Nobody gave anything here.
    "host/auctions/<int:auction_id>/donations/<int:consignor_id>/pdf/": {"GET": NONE_OF_THEIRS},
    "host/orders/<int:order_id>/": {
        "GET": PAID_OUT,
        "POST": {LOGIN: NOBODY_KNOWN, 409: STRIKING, 404: REST},
    },
    "host/runs/<int:run_id>/offer/": {
        "GET": {LOGIN: NOBODY_KNOWN, 302: STRIKING, 404: REST},
        "POST": {LOGIN: NOBODY_KNOWN, 302: STRIKING, 404: REST},
    },
    "host/lots/<int:lot_id>/pictures/": {
        "GET": MANAGED,
        "POST": {LOGIN: NOBODY_KNOWN, 302: MANAGERS, 404: REST},
    },
    "host/lots/<int:lot_id>/uploads/": {"POST": {LOGIN: NOBODY_KNOWN, 422: MANAGERS, 404: REST}},
    # Who began it.
    "host/uploads/<int:upload_id>/": {
        "GET": {LOGIN: NOBODY_KNOWN, 200: frozenset({"owner"}), 404: REST},
        "POST": {LOGIN: NOBODY_KNOWN, 200: frozenset({"owner"}), 404: REST},
    },
    # Who holds a signed form; nobody here does.
    "uploads/": {"POST": {400: REST}},
    "host/auctions/<int:auction_id>/<slug:step>/": {
        "GET": {LOGIN: NOBODY_KNOWN, 302: MANAGERS, 404: REST},
        "POST": {LOGIN: NOBODY_KNOWN, 302: MANAGERS, 404: REST},
    },
}

SIGN_IN: Final[dict[str, dict[str, Cases]]] = {
    "accounts/login/": {"GET": ONLY_ANONYMOUS},
    "accounts/language/": {"GET": {405: REST}, "POST": {302: REST}},
    "accounts/logout/": {"GET": {302: NOBODY_KNOWN, 200: REST}},
    "accounts/second-factor/": {"GET": SENT_ON},
    "accounts/entry/": {"GET": {405: REST}, "POST": {422: NOBODY_KNOWN, 200: REST}},
    "accounts/entry/code/": {"GET": {405: REST}, "POST": {422: NOBODY_KNOWN, 200: REST}},
    "accounts/entry/resend/": {"GET": {405: REST}, "POST": {422: REST}},
    "accounts/entry/second-factor/": {"GET": {405: REST}, "POST": {422: NOBODY_KNOWN, 200: REST}},
    "accounts/inactive/": {"GET": EVERYBODY},
    "accounts/signup/": {"GET": ONLY_ANONYMOUS},
    "accounts/reauthenticate/": {"GET": SIGNED_IN},
    "accounts/email/": {"GET": SIGNED_IN},
    "accounts/confirm-email/": {"GET": EVERYBODY},
    r"accounts/^confirm-email/(?P<key>[-:\w]+)/$": {"GET": EVERYBODY},
    "accounts/password/change/": {"GET": SIGNED_IN},
    "accounts/password/set/": {"GET": SENT_ON},
    "accounts/password/reset/": {"GET": EVERYBODY},
    "accounts/password/reset/done/": {"GET": EVERYBODY},
    "accounts/password/reset/key/done/": {"GET": EVERYBODY},
    "accounts/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": {"GET": EVERYBODY},
    "accounts/login/code/confirm/": {"GET": SENT_ON},
    "accounts/2fa/": {"GET": SIGNED_IN},
    "accounts/2fa/authenticate/": {"GET": SENT_ON},
    "accounts/2fa/reauthenticate/": {"GET": SENT_ON},
    "accounts/2fa/totp/activate/": {"GET": SENT_ON},
    "accounts/2fa/totp/deactivate/": {"GET": NONE_OF_THEIRS},
    "accounts/2fa/recovery-codes/": {"GET": NONE_OF_THEIRS},
    "accounts/2fa/recovery-codes/generate/": {"GET": SENT_ON},
    "accounts/2fa/recovery-codes/download/": {"GET": NONE_OF_THEIRS},
    "accounts/3rdparty/": {"GET": SIGNED_IN},
    "accounts/3rdparty/login/cancelled/": {"GET": EVERYBODY},
    "accounts/3rdparty/login/error/": {"GET": {401: REST}},
    "accounts/3rdparty/signup/": {"GET": {LOGIN: REST}},
    "accounts/social/login/cancelled/": {"GET": MOVED},
    "accounts/social/login/error/": {"GET": MOVED},
    "accounts/social/signup/": {"GET": MOVED},
    "accounts/social/connections/": {"GET": MOVED},
    "accounts/sessions/": {"GET": SIGNED_IN},
    "accounts/": {"GET": SIGNED_IN},
    "accounts/login/code/": {"GET": ONLY_ANONYMOUS},
    "accounts/2fa/webauthn/": {"GET": SIGNED_IN},
    "accounts/2fa/webauthn/add/": {"GET": SENT_ON},
    "accounts/2fa/webauthn/keys/<int:pk>/edit/": {"GET": SENT_ON},
    "accounts/2fa/webauthn/keys/<int:pk>/remove/": {"GET": SENT_ON},
    "accounts/2fa/webauthn/login/": {"GET": SENT_ON},
    "accounts/2fa/webauthn/reauthenticate/": {"GET": SENT_ON},
    "accounts/amazon-cognito/login/": {"GET": MISSING},
    "accounts/amazon-cognito/login/callback/": {"GET": MISSING},
}

BY_TOKEN: Final[Cases] = {401: REST}
"""Programs bring a token; the session of a page counts for nothing there."""
POSTED: Final[Cases] = {405: REST}
NOT_BEGUN: Final[Cases] = {409: REST}

FOR_PROGRAMS: Final[dict[str, Cases]] = {
    "account/authenticators": BY_TOKEN,
    "account/authenticators/recovery-codes": BY_TOKEN,
    "account/authenticators/totp": BY_TOKEN,
    "account/authenticators/webauthn": BY_TOKEN,
    "account/email": BY_TOKEN,
    "account/password/change": BY_TOKEN,
    "account/phone": BY_TOKEN,
    "account/providers": BY_TOKEN,
    "auth/2fa/authenticate": BY_TOKEN,
    "auth/2fa/reauthenticate": BY_TOKEN,
    "auth/code/confirm": NOT_BEGUN,
    "auth/code/request": POSTED,
    "auth/code/resend": POSTED,
    "auth/email/verify": {400: REST},
    "auth/email/verify/resend": POSTED,
    "auth/login": POSTED,
    "auth/password/request": POSTED,
    "auth/password/reset": {400: REST},
    "auth/phone/verify": NOT_BEGUN,
    "auth/phone/verify/resend": POSTED,
    "auth/provider/redirect": POSTED,
    "auth/provider/signup": NOT_BEGUN,
    "auth/provider/token": POSTED,
    "auth/reauthenticate": BY_TOKEN,
    "auth/session": BY_TOKEN,
    "auth/sessions": BY_TOKEN,
    "auth/signup": POSTED,
    "auth/webauthn/authenticate": BY_TOKEN,
    "auth/webauthn/login": EVERYBODY,
    "auth/webauthn/reauthenticate": BY_TOKEN,
    "config": EVERYBODY,
    "tokens/refresh": POSTED,
}

API: Final[dict[str, dict[str, Cases]]] = {
    "auctions/": {"GET": EVERYBODY},
    "auctions/<int:pk>/": {"GET": IF_VISIBLE},
    "auctions/<int:pk>/registrations/": {
        "POST": {401: NOBODY_KNOWN, 200: BIDDERS, 201: frozenset({"invited"}), 403: INSIDE, 404: REST}
    },
    "auctions/<int:pk>/recording/": {"GET": IF_WATCHED},
    "auctions/<int:pk>/chat/": {"GET": moderated(200), "PATCH": moderated(200)},
    "auctions/<int:pk>/chat/pin/": {"PUT": moderated(200)},
    "auctions/<int:pk>/chat/lines/<str:entry>/remove/": {"POST": moderated(204)},
    # Nobody reports themselves.
    "auctions/<int:pk>/reports/": {"POST": {401: NOBODY_KNOWN, 409: frozenset({"bidder"}), 204: VIEWERS, 404: REST}},
    "auctions/<int:pk>/mutes/": {"GET": moderated(200), "POST": moderated(201)},
    "auctions/<int:pk>/mutes/<int:mute_id>/": {"DELETE": moderated(204)},
    "auctions/<int:pk>/moderator-notes/": {"GET": moderated(200), "POST": moderated(201)},
    "auctions/<int:pk>/notices/": {"POST": {401: NOBODY_KNOWN, 204: MANAGERS, 404: REST}},
    "auctions/<int:pk>/house/paddles/": {"POST": {401: NOBODY_KNOWN, 201: ENTERING, 404: REST}},
    "auctions/<int:pk>/house/bids/": {"POST": {401: NOBODY_KNOWN, 400: ENTERING, 404: REST}},
    "lots/<int:pk>/offer-again/": {"POST": {401: NOBODY_KNOWN, 409: MANAGERS, 404: REST}},
    "token/": {"DELETE": {401: REST}},
    "lots/<int:pk>/bids/": {"GET": IF_VISIBLE},
    "lots/<int:pk>/record/": {"GET": {409: VIEWERS, 404: REST}},
    "bids/<str:bid_id>/": {"GET": {401: NOBODY_KNOWN, 200: frozenset({"bidder"}), 404: REST}},
    "notifications/": {"GET": {401: NOBODY_KNOWN, 200: REST}},
    "notifications/read/": {"POST": {401: NOBODY_KNOWN, 204: REST}},
    "streams/<int:pk>/playback/": {"GET": {200: INSIDE | {"bidder", "invited"}, 404: REST}},
    "streams/events/": {"POST": MISSING},
    "socket-tickets/": {"POST": {401: NOBODY_KNOWN, 201: REST}},
    "schema/": {"GET": EVERYBODY},
    "docs/": {"GET": EVERYBODY},
    "asyncapi.json": {"GET": EVERYBODY},
    "asyncapi/": {"GET": EVERYBODY},
}

OUTSIDE: Final = ALL - DOOR
ENTER: Final[Cases] = {LOGIN: OUTSIDE, 200: REST}
NEVER: Final[Cases] = {LOGIN: OUTSIDE, 403: REST}
AWAY: Final[Cases] = {LOGIN: OUTSIDE, 302: REST}
OWN: Final[Cases] = {LOGIN: OUTSIDE, 200: MANAGERS, 302: REST}
"""Theirs, or sent back to the admin's first page as if it did not exist."""
STAFF_ALONE: Final[Cases] = {LOGIN: OUTSIDE, 200: ADMINISTRATOR, 403: REST}
STAFF_FINDS_NONE: Final[Cases] = {LOGIN: OUTSIDE, 302: ADMINISTRATOR, 403: REST}
STRIKERS: Final[Cases] = {LOGIN: OUTSIDE, 200: STRIKING | {"other_owner"}, 403: REST}
OWN_STRIKES: Final[Cases] = {LOGIN: OUTSIDE, 200: STRIKING, 302: frozenset({"other_owner"}), 403: REST}

AT_DESK: Final[Cases] = {LOGIN: OUTSIDE, 200: ENTERING | MODERATORS, 404: REST}
"""Who runs the show, enters bids, or moderates; who was named for its room alone stays there."""
RUNS: Final[Cases] = {LOGIN: OUTSIDE, 200: MANAGERS, 404: REST}

ADMIN: Final[dict[str, dict[str, Cases]]] = {
    "": {"GET": ENTER},
    "search/": {"GET": ENTER},
    "login/": {"GET": {LOGIN: NOBODY_KNOWN, 403: OUTSIDE, 302: REST}},
    "logout/": {"GET": {302: OUTSIDE, 405: REST}, "POST": {302: REST}},
    "password_change/": {"GET": ENTER},
    "password_change/done/": {"GET": ENTER},
    "autocomplete/": {"GET": NEVER},
    "jsi18n/": {"GET": ENTER},
    "r/<path:content_type_id>/<path:object_id>/": {"GET": {LOGIN: OUTSIDE, 404: REST}},
    "^(?P<app_label>account|socialaccount|accounts|mfa|auctions|bidding)/$": {"GET": ENTER},
    "(?P<url>.*)$": {"GET": {LOGIN: OUTSIDE, 404: REST}},
    "accounts/user/<id>/password/": {"GET": STAFF_ALONE, "POST": STAFF_ALONE},
    # The Live desk; `bidding/tests/test_desk_page.py` sends each of its commands.
    "auctions/auction/<int:auction_id>/desk/": {"GET": AT_DESK},
    "auctions/auction/<int:auction_id>/desk/facts/": {"GET": AT_DESK},
    "auctions/auction/<int:auction_id>/desk/paddles/<int:paddle>/": {"GET": RUNS},
    "auctions/auction/<int:auction_id>/desk/<slug:step>/": {
        "GET": {LOGIN: OUTSIDE, 302: MANAGERS, 404: REST},
        "POST": {LOGIN: OUTSIDE, 302: MANAGERS, 404: REST},
    },
}

Model = tuple[Cases, Cases, Cases, Cases, Cases, Cases]
"""A model in the admin: its list; adding; history; deleting; seeing one; changing one."""
KEPT_BY_STAFF: Final[Model] = (STAFF_ALONE, STAFF_ALONE, STAFF_ALONE, STAFF_ALONE, STAFF_ALONE, STAFF_ALONE)
STAFF_HAS_NONE: Final[Model] = (STAFF_ALONE, STAFF_ALONE, AWAY, STAFF_FINDS_NONE, STAFF_FINDS_NONE, STAFF_FINDS_NONE)
STAFF_ADDS_NONE: Final[Model] = (STAFF_ALONE, NEVER, AWAY, STAFF_FINDS_NONE, STAFF_FINDS_NONE, STAFF_FINDS_NONE)
NOT_DELETED: Final[Model] = (STAFF_ALONE, STAFF_ALONE, STAFF_ALONE, NEVER, STAFF_ALONE, STAFF_ALONE)
KEPT_BY_HOSTS: Final[Model] = (ENTER, ENTER, OWN, NEVER, OWN, OWN)
ADDED_BY_HOSTS: Final[Model] = (ENTER, ENTER, OWN, NEVER, OWN, NEVER)
SEEN_BY_HOSTS: Final[Model] = (ENTER, NEVER, OWN, NEVER, OWN, NEVER)
PRIVATE: Final[Model] = (
    STAFF_ALONE,
    NEVER,
    {LOGIN: OUTSIDE, 200: ADMINISTRATOR, 403: MANAGERS, 302: REST},
    NEVER,
    STAFF_ALONE,
    NEVER,
)

FOR_STAFF: Final[Model] = (
    STAFF_ALONE,
    NEVER,
    {LOGIN: OUTSIDE, 200: ADMINISTRATOR, 302: REST},
    NEVER,
    STAFF_ALONE,
    NEVER,
)

MODELS: Final[dict[str, Model]] = {
    "account/emailaddress": KEPT_BY_STAFF,
    "mfa/authenticator": STAFF_ADDS_NONE,
    "socialaccount/socialapp": STAFF_HAS_NONE,
    "socialaccount/socialtoken": STAFF_HAS_NONE,
    "socialaccount/socialaccount": STAFF_HAS_NONE,
    "accounts/user": NOT_DELETED,
    "accounts/organizer": NOT_DELETED,
    "accounts/hostrequest": (
        STAFF_ALONE,
        NEVER,
        {LOGIN: OUTSIDE, 200: ADMINISTRATOR, 302: REST},
        NEVER,
        STAFF_ALONE,
        STAFF_ALONE,
    ),
    "accounts/strike": (
        STRIKERS,
        STRIKERS,
        {LOGIN: OUTSIDE, 200: STRIKING, 302: REST},
        NEVER,
        OWN_STRIKES,
        NEVER,
    ),
    "accounts/follow": FOR_STAFF,
    "accounts/pushsubscription": FOR_STAFF,
    "auctions/lotwatch": FOR_STAFF,
    "auctions/reminder": FOR_STAFF,
    "auctions/category": KEPT_BY_STAFF,
    "auctions/taxrule": KEPT_BY_HOSTS,
    "auctions/consignor": KEPT_BY_HOSTS,
    "auctions/auction": KEPT_BY_HOSTS,
    "auctions/termsversion": ADDED_BY_HOSTS,
    "auctions/auctionmoderator": ADDED_BY_HOSTS,
    # An opened lot is only seen.
    "auctions/lot": (ENTER, NEVER, OWN, NEVER, OWN, {LOGIN: OUTSIDE, 403: MANAGERS, 302: REST}),
    "auctions/registration": SEEN_BY_HOSTS,
    "auctions/lotrun": SEEN_BY_HOSTS,
    "auctions/sale": SEEN_BY_HOSTS,
    "auctions/order": SEEN_BY_HOSTS,
    "auctions/invoice": SEEN_BY_HOSTS,
    "bidding/bid": SEEN_BY_HOSTS,
    "bidding/event": SEEN_BY_HOSTS,
    "auctions/auditentry": SEEN_BY_HOSTS,
    "bidding/refusal": PRIVATE,
    "bidding/discardedentry": PRIVATE,
    "bidding/ledgerposition": PRIVATE,
    "bidding/notification": PRIVATE,
}


def rows_of_models() -> Iterator[tuple[str, dict[str, Cases]]]:
    """Return the rows of every model in the admin."""
    for model, (listed, added, history, deleted, seen, changed) in MODELS.items():
        yield f"admin/{model}/", {"GET": listed}
        yield f"admin/{model}/add/", {"GET": added, "POST": added}
        yield f"admin/{model}/<path:object_id>/history/", {"GET": history}
        yield f"admin/{model}/<path:object_id>/delete/", {"GET": deleted, "POST": deleted}
        yield f"admin/{model}/<path:object_id>/change/", {"GET": seen, "POST": changed}
        yield f"admin/{model}/<path:object_id>/", {"GET": AWAY}


TABLE: Final[dict[str, dict[str, Cases]]] = {
    **PAGES,
    **SIGN_IN,
    **{f"api/v1/{route}": row for route, row in API.items()},
    **{f"api/auth/app/v1/{route}": {"GET": row} for route, row in FOR_PROGRAMS.items()},
    **{f"admin/{route}": row for route, row in ADMIN.items()},
    **dict(rows_of_models()),
}

BODIES: Final[dict[tuple[str, str], dict[str, Any]]] = {
    ("POST", "accounts/language/"): {"language": "en"},
    ("POST", "host/auctions/<int:auction_id>/camera/"): {"action": "rotate"},
    ("POST", "host/auctions/<int:auction_id>/recording/"): {"sure": "on"},
    ("POST", "host/auctions/<int:auction_id>/rehearsal/"): {"eager": 1, "steady": 0, "sniper": 0, "maximum": 0},
    ("POST", "host/auctions/<int:auction_id>/orders/"): {"action": "paid", "order": "1"},
    ("POST", "host/runs/<int:run_id>/offer/"): {"action": "second_chance", "hours": "48"},
    ("POST", "orders/<int:order_id>/"): {"delivery": "pick_up"},
    ("POST", "hosts/<slug:slug>/follow/"): {"wanted": "on"},
    ("POST", "lots/<int:lot_id>/watch/"): {"wanted": "on"},
    ("POST", "auctions/<slug:slug>/paddle/"): {"accept_terms": "on"},
    ("POST", "auctions/<slug:slug>/entrance/"): {"accept_terms": "on"},
    ("POST", "auctions/<slug:slug>/bid/"): {"amount": "1.00", "lot": "1", "id": ""},
    ("POST", "api/v1/auctions/<int:pk>/registrations/"): {"accept_terms": True},
    ("PATCH", "api/v1/auctions/<int:pk>/chat/"): {"slow_mode_s": 5},
    ("PUT", "api/v1/auctions/<int:pk>/chat/pin/"): {"entry": "1-1"},
    ("POST", "api/v1/auctions/<int:pk>/chat/lines/<str:entry>/remove/"): {"reason": "spam"},
    ("POST", "api/v1/auctions/<int:pk>/mutes/"): {"paddle": 101, "reason": "spam"},
    ("POST", "api/v1/auctions/<int:pk>/reports/"): {"paddle": 101, "reason": "abuse"},
    ("POST", "host/moderation/reports/<int:report_id>/"): {"decision": "dismissed", "reason": "spam"},
    ("POST", "host/moderation/appeals/<int:appeal_id>/"): {"answer": "No."},
    ("POST", "host/moderation/words/<int:organizer_id>/"): {"words": "coins"},
    ("POST", "api/v1/auctions/<int:pk>/moderator-notes/"): {"paddle": 101, "text": "Loud."},
    ("POST", "api/v1/auctions/<int:pk>/house/paddles/"): {"kind": "phone"},
    # Who holds this paddle bids online: nobody bids for them.
    ("POST", "api/v1/auctions/<int:pk>/house/bids/"): {"paddle": 101, "amount": "1.00"},
    ("POST", "api/v1/auctions/<int:pk>/notices/"): {"text": "Back in a minute."},
}

# --- What nobody else is told ----------------------------------------------------------------------------

TOLD: Final[dict[str, frozenset[str]]] = {
    "98765.43": KNOWING,
    "98,765.43": KNOWING,
    str(RESERVE): KNOWING,
    "77777.77": frozenset({"bidder", "administrator"}),
    "77,777.77": frozenset({"bidder", "administrator"}),
    str(MAXIMUM): frozenset({"bidder", "administrator"}),
    STREAM_KEY: MANAGERS,
    BOARD_NONCE: REST,
    "7 Telltale Lane": KNOWING | {"bidder"},
    "private note": STRIKING,
    # From where somebody of the house acted; who did it reads it among their own data.
    "192.0.2.77": ADMINISTRATOR | {"owner"},
    # Who knows where a browser is reached can wake it.
    "push.test": frozenset(),
    # Hosts name and invite people by their address.
    **{f"{name}@people.test": KNOWING | {name} for name in ("stranger", "invited", "bidder", "banned", "named")},
    **{
        f"{name}@people.test": ADMINISTRATOR | {name}
        for name in ("moderator", "clerk", "finance", "auctioneer", "owner")
    },
    "other@example.test": frozenset({"other_owner", "administrator"}),
}
OUTSIDERS: Final = frozenset({"anonymous", "stranger", "invited", "other_owner", "staff"})
"""Whose requests change nothing of the auction."""


def path_of(world: World, route: str) -> str:
    """Return an address of this world for a route."""
    parts = route.split("/")
    here = {model._meta.label_lower: row.pk for model, row in world.rows.items()}
    pk = here.get(".".join(parts[1:3]), 1) if parts[0] == "admin" and len(parts) > 3 else 1
    of_slug = {"hosts": world.auction.organizer.slug, "categories": "clocks"}
    of_part = {"lots": world.lot.pk, "streams": world.auction.stream_channel_id}
    values = {
        "slug": of_slug.get(parts[0], world.auction.slug),
        "pk": of_part.get(parts[2] if parts[:2] == ["api", "v1"] else "", world.auction.pk),
        "auction_id": world.auction.pk,
        "organizer_id": world.auction.organizer_id,
        "lot_id": world.lot.pk,
        "channel_id": world.auction.stream_channel_id,
        "epoch": "0a1b",
        "step": "schedule",
        "paddle": 101,
        "act": "duplicate",
        "entry": "1-1",
        "mute_id": here["bidding.mute"],
        "report_id": here["bidding.report"],
        "appeal_id": here["bidding.appeal"],
        "bid_id": BID_ID,
        "notification_id": here["bidding.notification"],
        "device_id": here["accounts.pushsubscription"],
        "token": "none",
        "order_id": here["auctions.order"],
        "number": 1,
        "upload_id": here["auctions.upload"],
        "recording_id": here["auctions.streamrecording"],
        "name": "lines" if route.endswith(".csv") else "master.m3u8",
        "run_id": here["auctions.lotrun"],
        "consignor_id": here["auctions.consignor"],
        "path": "nowhere.webp",
        "object_id": pk,
        "id": pk,
        "content_type_id": 1,
        "key": "none",
        "uidb36": "1",
        "app_label": "auctions",
        "url": "nowhere",
    }
    return "/" + re.sub(
        r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>.*?\)(?=[/$-])", lambda found: str(values[found[1] or found[2]]), route
    ).replace("^", "").replace("$", "")


def expected(cases: Cases, person: str) -> int | str:
    """Return what a row says of a person; the first that names them counts."""
    return next(status for status, people in cases.items() if person in people or people is REST)


def test_every_address_of_the_site_has_a_row_and_every_row_an_address():
    known = set(addresses())
    assert known - set(TABLE) == set()
    assert set(TABLE) - known == set()


def test_every_model_of_the_admin_has_a_row_of_the_world_where_hosts_see_it(world):
    seen = {
        model
        for model in admin.site._registry
        if MODELS[model._meta.label_lower.replace(".", "/")] not in (STAFF_HAS_NONE, STAFF_ADDS_NONE)
    }
    assert seen - set(world.rows) == set()


@pytest.mark.parametrize("person", PEOPLE)
def test_the_answer_is_what_the_table_says_and_tells_nothing_of_others(world, person):
    wrong: list[str] = []
    world.ask(person, "GET", "/")
    before = world.state()
    for route, methods in TABLE.items():
        path = path_of(world, route)
        for method, cases in methods.items():
            response = world.ask(person, method, path, BODIES.get((method, route)))
            what = f"{method} {path}"
            if outcome(response) != expected(cases, person):
                wrong.append(f"{what}: {outcome(response)}, and the table says {expected(cases, person)}")
            body = "" if response.streaming else response.content.decode(errors="replace")
            told = [text for text, people in TOLD.items() if text in body and person not in people]
            wrong += [f"{what} tells {text}" for text in told]
            if method != "GET" and person in OUTSIDERS:
                changed = [name for name, rows in response.changed.items() if rows != before[name]]
                wrong += [f"{what} changes {name}" for name in changed if (route, name) not in ALLOWED_CHANGES]
    if wrong:
        pytest.fail("\n".join(wrong))


ALLOWED_CHANGES: Final = {
    # An invited person takes the next paddle.
    ("auctions/<slug:slug>/paddle/", "auctions.Auction"),
    ("auctions/<slug:slug>/paddle/", "auctions.Registration"),
    ("auctions/<slug:slug>/entrance/", "auctions.Auction"),
    ("auctions/<slug:slug>/entrance/", "auctions.Registration"),
    ("api/v1/auctions/<int:pk>/registrations/", "auctions.Auction"),
    ("api/v1/auctions/<int:pk>/registrations/", "auctions.Registration"),
    # Who may host gets a house of their own with the first auction.
    ("host/auctions/new/", "accounts.Organizer"),
    ("host/auctions/new/", "auctions.TermsVersion"),
    # Who is invited keeps an eye on what they may see.
    ("hosts/<slug:slug>/follow/", "accounts.Follow"),
    ("lots/<int:lot_id>/watch/", "auctions.LotWatch"),
    # Who may see the show reports in it.
    ("api/v1/auctions/<int:pk>/reports/", "bidding.Report"),
    # One's own profile.
    ("accounts/profile/", "accounts.User"),
    ("my/notifications/settings/", "accounts.User"),
    ("accounts/language/", "accounts.User"),
}


@pytest.mark.parametrize("person", ["anonymous", "stranger", "administrator"])
def test_no_other_method_does_anything(world, person):
    wrong = []
    for route, methods in API.items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - set(methods):
            answered = outcome(world.ask(person, method, path_of(world, f"api/v1/{route}")))
            # A session counts for nothing where a token is asked for.
            is_unknown = person == "anonymous" or route == "token/"
            if answered not in ({401, 403, 405} if is_unknown else {405}):
                wrong.append(f"{method} {route}: {answered}")
    assert wrong == []


# --- Actions of the admin ----------------------------------------------------------------------------------

ACTS: Final = "acts"
"""The action changed something, or said what it did, or why it did not."""
ASKS: Final = "asks"
"""The action shows a page that asks whether it is meant."""
NOTHING: Final = "nothing"
"""What was chosen does not exist for this person, or there was nothing to do."""
OWN_ACT: Final[Cases] = {LOGIN: OUTSIDE, ACTS: MANAGERS, NOTHING: REST}
OWN_ASKED: Final[Cases] = {LOGIN: OUTSIDE, ASKS: MANAGERS, NOTHING: REST}
STAFF_ACT: Final[Cases] = {LOGIN: OUTSIDE, ACTS: ADMINISTRATOR, 403: REST}
STAFF_ASKED: Final[Cases] = {LOGIN: OUTSIDE, ASKS: ADMINISTRATOR, 403: REST}
STAFF_IDLE: Final[Cases] = {LOGIN: OUTSIDE, NOTHING: ADMINISTRATOR, 403: REST}
"""It is so already."""

ACTIONS: Final[dict[str, dict[str, Cases]]] = {
    "account/emailaddress": {"delete_selected": STAFF_ASKED, "make_verified": STAFF_IDLE},
    "mfa/authenticator": {"delete_selected": STAFF_ASKED},
    "socialaccount/socialapp": {"delete_selected": STAFF_ASKED},
    "socialaccount/socialtoken": {"delete_selected": STAFF_ASKED},
    "socialaccount/socialaccount": {"delete_selected": STAFF_ASKED},
    "accounts/user": {"verify_selected": STAFF_ACT, "doubt_selected": STAFF_IDLE},
    "accounts/strike": {
        "lift_selected": {LOGIN: OUTSIDE, ACTS: STRIKING, NOTHING: frozenset({"other_owner"}), 403: REST}
    },
    "auctions/category": {"delete_selected": STAFF_ASKED},
    "auctions/registration": {"lift_limit": OWN_ACT},
    "auctions/auctionmoderator": {"revoke_selected": OWN_ACT},
    "auctions/auction": dict.fromkeys(
        ("schedule_selected", "go_live_selected", "end_selected", "cancel_selected"), OWN_ACT
    ),
    "auctions/lot": {"offer_again_selected": OWN_ACT},
    "bidding/bid": dict.fromkeys(("void_selected", "void_latest"), OWN_ASKED),
}
BUTTONS: Final = {"auctions/auction": ("schedule", "go_live")}
"""The buttons at the end of a page, each with what it does to the show; `tests/test_admin.py` presses them."""


KINDS_OF_UNFOLD: Final = ("actions_list", "actions_row", "actions_detail")


def test_every_action_of_the_admin_has_a_row(rf, staff):
    request = rf.get("/")
    request.user = staff
    found = {
        model._meta.label_lower.replace(".", "/"): (
            {*pages.get_actions(request), *(name for kind in KINDS_OF_UNFOLD for name in getattr(pages, kind, ()))},
            tuple(getattr(pages, "actions_submit_line", ())),
        )
        for model, pages in admin.site._registry.items()
    }
    assert {model: actions for model, (actions, _) in found.items() if actions} == {
        model: set(actions) for model, actions in ACTIONS.items()
    }
    assert {model: buttons for model, (_, buttons) in found.items() if buttons} == BUTTONS


def acted(response: Any, before: dict[str, Any]) -> int | str:
    """Return what came of an action."""
    answered = outcome(response)
    if answered == 302:
        said = any(message.level != WARNING for message in get_messages(response.wsgi_request))
        return ACTS if said or response.changed != before else NOTHING
    return ASKS if answered == 200 else answered


def kept_on(floor: Any) -> dict[bytes, bytes]:
    """Return what the floor holds for good: a lease that runs out meanwhile is nobody's change."""
    return {key: floor.dump(key) for key in floor.keys("*") if floor.pttl(key) == -1}


def test_who_may_take_which_action_of_the_admin(world, floor):
    wrong = []
    # Who may act comes last: what that does on the floor stays.
    for person in sorted(PEOPLE, key=lambda person: person in MANAGERS):
        world.ask(person, "GET", "/")
        before, floor_before = world.state(), kept_on(floor)
        for model, actions in ACTIONS.items():
            for action, cases in actions.items():
                pk = path_of(world, f"admin/{model}/<path:object_id>/").split("/")[4]
                body = {"action": action, "_selected_action": pk, "index": "0"}
                response = world.ask(person, "POST", f"/admin/{model}/", body)
                wanted = expected(cases, person)
                if acted(response, before) != wanted:
                    wrong.append(
                        f"{person}: {action} of {model}: {acted(response, before)}, and the table says {wanted}"
                    )
                if wanted != ACTS and response.changed != before:
                    wrong.append(f"{person}: {action} of {model} changes something")
        for model, buttons in BUTTONS.items():
            if person not in MANAGERS:
                path = path_of(world, f"admin/{model}/<path:object_id>/change/")
                response = world.ask(person, "POST", path, dict.fromkeys(map(button_of(model), buttons), "1"))
                if acted(response, before) not in (LOGIN, 403, NOTHING) or response.changed != before:
                    wrong.append(f"{person}: the buttons of {model}: {acted(response, before)}")
        floor_after = kept_on(floor)
        if person not in MANAGERS and floor_before != floor_after:
            wrong.append(f"{person} changes {dict(set(floor_before.items()) ^ set(floor_after.items()))} on the floor")
    if wrong:
        pytest.fail("\n".join(wrong))


def button_of(model: str) -> Any:
    """Return what gives the name that a button has in the page's form."""
    pages: Any = next(
        pages for each, pages in admin.site._registry.items() if each._meta.label_lower == model.replace("/", ".")
    )
    return lambda name: pages.get_unfold_action(name).action_name


# --- The second factor -------------------------------------------------------------------------------------


def house_work() -> Iterator[tuple[str, str, Cases]]:
    """Return what the API does for people of a house alone: route, method and row."""
    for route, methods in API.items():
        for method, cases in methods.items():
            people = frozenset().union(*cases.values()) - NOBODY_KNOWN
            if people and people <= INSIDE:
                yield route, method, cases


def test_work_for_a_house_by_the_api_takes_a_second_factor_from_whoever_may_do_it(world, settings):
    settings.SECOND_FACTOR_REQUIRED = True
    work = list(house_work())
    assert len(work) >= 13
    wrong = []
    for person in PEOPLE:
        world.ask(person, "GET", "/")
        before = world.state()
        for route, method, cases in work:
            response = world.ask(person, method, path_of(world, f"api/v1/{route}"), BODIES.get((method, route)))
            wanted = expected(cases, person)
            # A moderator is asked first and then told that notices are the host's.
            may = wanted not in (401, 404) or (route.endswith("notices/") and person in MODERATORS)
            code = response.json().get("code") if response.status_code >= 400 else "done"
            if (outcome(response), code == "second_factor") != ((403, True) if may else (wanted, False)):
                wrong.append(f"{person}: {method} {route}: {outcome(response)} {code}")
            if method != "GET" and response.changed != before:
                wrong.append(f"{person}: {method} {route} changes something")
    assert wrong == []


# --- Sockets ---------------------------------------------------------------------------------------------

SOCKETS: Final = {
    "ws/auctions/<int:auction_id>/": "",
    "ws/auctions/<int:auction_id>/bid/": "bid/",
    "ws/auctions/<int:auction_id>/chat/": "chat/",
    "ws/auctions/<int:auction_id>/timer/": "timer/",
}
STREAMS: Final = {"ws/streams/<int:channel_id>/", "ws/streams/<int:channel_id>/publish/"}
CLOSED: Final = 4403
COMES_IN: Final[dict[str, Cases]] = {
    Visibility.INVITE_ONLY: {CLOSED: frozenset({"banned"}), "STATE": VIEWERS, 4404: REST},
    Visibility.PUBLIC: {CLOSED: frozenset({"banned"}), "STATE": REST},
}
WATCHES: Final[dict[str, Cases]] = {
    visibility: {"pictures" if code == "STATE" else code: people for code, people in cases.items()}
    for visibility, cases in COMES_IN.items()
}
"""Who watches is who comes into the room."""
SENDS: Final[Cases] = {4401: NOBODY_KNOWN, "READY": MANAGERS, 4404: REST}
MESSAGES: Final[dict[str, tuple[dict[str, Any], Cases]]] = {
    "BID": (
        {"amount": "1.00"},
        {"sign_in": NOBODY_KNOWN, "already_leading": frozenset({"bidder"}), "not_registered": REST},
    ),
    "BID_STATUS": ({"id": BID_ID}, {"BID_ACCEPTED": frozenset({"bidder"}), "BID_UNKNOWN": REST}),
    "RESUME": ({"since": 0, "epoch": "another"}, {"STATE": REST}),
    "CHAT": ({"text": "Hello."}, {"sign_in": NOBODY_KNOWN, "CHAT": REST}),
    "PING": ({"t": 1}, {"PONG": REST}),
}
ANSWERS: Final = (
    "BID_ACCEPTED",
    "BID_REJECTED",
    "BID_UNKNOWN",
    "CHAT",
    "CHAT_REJECTED",
    "ERROR",
    "PONG",
    "RESUMED",
    "STATE",
)


def test_every_socket_and_every_message_has_a_row():
    assert {str(pattern.pattern) for pattern in room.websocket_urlpatterns} == set(SOCKETS)
    assert {str(pattern.pattern) for pattern in relay.websocket_urlpatterns} == STREAMS
    assert {kind.__struct_config__.tag for kind in protocol.NAMESPACE_OF} == set(MESSAGES)


@pytest.mark.parametrize("visibility", COMES_IN)
def test_who_comes_into_a_room(world, visibility):
    Auction.objects.filter(pk=world.auction.pk).update(visibility=visibility)
    wrong = []
    with RoomServer() as server:
        for person in PEOPLE:
            for path in SOCKETS.values():
                with page(server, world.auction.pk, user=world.people[person], path=path) as seat:
                    wanted = expected(COMES_IN[visibility], person)
                    answered = seat.next()["type"] if wanted == "STATE" else seat.close_code()
                    told = [text for text, people in TOLD.items() if text in str(seat.seen) and person not in people]
                if answered != wanted or told:
                    wrong.append(f"{person} at {path!r}: {answered}, told {told}")
    assert wrong == []


@pytest.mark.parametrize("visibility", WATCHES)
def test_who_watches_a_stream(world, visibility):
    Auction.objects.filter(pk=world.auction.pk).update(visibility=visibility)
    wrong = []
    with RoomServer() as server:
        for person in PEOPLE:
            wanted = expected(WATCHES[visibility], person)
            with screen(server, world.auction.stream_channel_id, user=world.people[person]) as watching:
                if wanted == "pictures":
                    assert watching.next() == ({"over": True}, b"")
                    continue
                answered = watching.close_code()
            if answered != wanted:
                wrong.append(f"{person}: {answered}")
    assert wrong == []


def test_who_sends_a_stream(world):
    wrong = []
    with RoomServer() as server:
        for person in PEOPLE:
            wanted = expected(SENDS, person)
            with camera(server, world.auction.stream_channel, user=world.people[person]) as sending:
                if wanted == "READY":
                    told = str(sending.hear("READY"))
                    sending.socket.close()
                    continue
                answered, told = sending.let_go()
            if answered != wanted or STREAM_KEY in told:
                wrong.append(f"{person}: {answered}, {told}")
    assert wrong == []


@pytest.mark.parametrize("kind", MESSAGES)
def test_what_a_message_is_answered(world, kind):
    Auction.objects.filter(pk=world.auction.pk).update(visibility=Visibility.PUBLIC)
    fields, cases = MESSAGES[kind]
    wrong = []
    with RoomServer() as server:
        for person in sorted(ALL - {"banned"}):
            with page(server, world.auction.pk, user=world.people[person]) as seat:
                seat.until("STATE")
                seat.send(kind, **fields)
                message = seat.until(*ANSWERS)
                told = [text for text, people in TOLD.items() if text in str(seat.seen) and person not in people]
            answered = message.get("code") or message["type"]
            if answered != expected(cases, person) or told:
                wrong.append(f"{person}: {answered}, told {told}")
    assert wrong == []
