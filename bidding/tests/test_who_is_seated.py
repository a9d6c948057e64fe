"""Who sits in a room is known to those who would mail them, over all processes, and for as long as they sit there."""

from collections.abc import Iterator

import pytest
from django.core.mail import EmailMessage

from bidding.selectors import is_seated
from bidding.services import lot_open
from bidding.services.telling import notifications_send
from bidding.tests.conftest import Show
from bidding.tests.rooms import RoomServer, eventually, page
from bidding.tests.test_a_show import bid
from bidding.tests.test_notices import user_of


@pytest.fixture
def server(show: Show) -> Iterator[RoomServer]:
    with RoomServer() as running:
        yield running


def test_a_person_is_seated_from_their_first_socket_to_their_last(show: Show, server: RoomServer) -> None:
    anna, boris, room = user_of(show, 0).pk, user_of(show, 1).pk, show.auction.pk
    assert not is_seated(room, anna)
    with page(server, room, user=show.bidders[0].user):
        with page(server, room, user=show.bidders[0].user), page(server, room):
            eventually(lambda: is_seated(room, anna))
            assert not is_seated(room, boris)
            assert not is_seated(room + 1, anna), "in this room alone"
        with page(server, room, user=show.bidders[1].user):
            eventually(lambda: is_seated(room, boris))
            assert is_seated(room, anna), "one of two sockets is left"
    eventually(lambda: not is_seated(room, anna) and not is_seated(room, boris))


def test_who_watches_how_they_are_outbid_gets_no_mail_and_who_left_does(
    show: Show, server: RoomServer, mailoutbox: list[EmailMessage]
) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    with page(server, show.auction.pk, user=show.bidders[0].user):
        eventually(lambda: is_seated(show.auction.pk, user_of(show, 0).pk))
        for who, amount in ((0, "10.00"), (1, "15.00"), (2, "20.00")):
            bid(show, who, amount)
        show.store()
        notifications_send()
    assert [letter.to for letter in mailoutbox] == [[user_of(show, 1).email]]
