"""The part of the API that proves: a lot's record, one's own bids with their openings, and the site's public keys.

Decides nothing: views look an object up among those that exist for the caller, and read `bidding.records`.
"""

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import exceptions, permissions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from auctions.api import NOT_FOUND
from auctions.errors import Refused
from auctions.models import Lot, Registration
from auctions.money import format_amount
from auctions.permissions import AnyUser, viewable_auctions
from auctions.problems import ProblemSerializer
from bidding.chain import public_digest
from bidding.models import Refusal
from bidding.records import OwnBid, lot_record, own_bid, own_refusal, stored_head
from bidding.signing import published_keys


class RecordHeadSerializer(serializers.Serializer[Any]):
    """A place in the log and the hash of the chain there."""

    v = serializers.IntegerField()
    epoch = serializers.CharField()
    hash = serializers.CharField()


class RecordSignatureSerializer(serializers.Serializer[Any]):
    """The site's signature of the head."""

    key_id = serializers.CharField()
    signature = serializers.CharField(help_text="Hex.")
    algorithm = serializers.CharField()


class RecordEntrySerializer(serializers.Serializer[Any]):
    """One entry of the log; its hash is SHA-256(hash before ‖ SHA-256(public) ‖ offer ‖ rest)."""

    v = serializers.IntegerField()
    s = serializers.IntegerField(help_text="0 for public entries; private ones count from 1 behind the version.")
    public = serializers.CharField(
        required=False, help_text="What the room saw, byte by byte; of this lot and the show."
    )
    public_sha256 = serializers.CharField(required=False, help_text="In place of `public` for all other entries.")
    offer = serializers.CharField(help_text="Commitment to the bidder's own offer.")
    rest = serializers.CharField(help_text="Commitment to the rest of the private part.")
    hash = serializers.CharField()


class RecordSerializer(serializers.Serializer[Any]):
    """The record of a lot: everything that it takes to check how it came to its result."""

    format = serializers.CharField()
    auction = serializers.DictField()
    lot = serializers.DictField()
    runs = serializers.ListField(child=serializers.DictField(), help_text="Each offering and what became of it.")
    head = RecordHeadSerializer()
    signature = RecordSignatureSerializer()
    entries = RecordEntrySerializer(many=True)


class OpeningSerializer(serializers.Serializer[Any]):
    """What opens the commitment to one's own offer: SHA-256(salt ‖ text) is `offer` in the record's entry."""

    text = serializers.CharField()
    salt = serializers.CharField(help_text="Hex.")
    offer = serializers.CharField()
    rest = serializers.CharField()
    public_sha256 = serializers.CharField()
    hash = serializers.CharField(help_text="The entry's hash in the chain.")


class OwnBidSerializer(serializers.Serializer[Any]):
    """One's own bid as it was decided; `v` and `s` are its place in the auction's log."""

    id = serializers.CharField()
    auction = serializers.IntegerField()
    lot = serializers.IntegerField(allow_null=True)
    status = serializers.ChoiceField(choices=("accepted", "voided", "refused"))
    code = serializers.CharField(allow_null=True, help_text="Why it was refused.")
    amount = serializers.CharField()
    max_amount = serializers.CharField(allow_null=True)
    v = serializers.IntegerField()
    s = serializers.IntegerField()
    at_ms = serializers.IntegerField(help_text="When it was decided, on the clock that decides.")
    opening = OpeningSerializer(allow_null=True, help_text="Null where it was refused: refusals are outside the chain.")
    head = RecordHeadSerializer(
        allow_null=True, help_text="The chain as it is stored now; keep it to compare a record with later."
    )


class LotRecord(APIView):
    """Download the record of a lot."""

    @extend_schema(
        operation_id="lots_record_retrieve",
        tags=["lots"],
        responses={
            200: RecordSerializer,
            **NOT_FOUND,
            409: OpenApiResponse(ProblemSerializer, description="`not_closed`: there is a record once it is closed."),
        },
    )
    def get(self, request: Request, pk: int) -> Response:
        """Return every entry of the log up to the signed closing of this lot; other lots' entries as hashes only."""
        user: AnyUser = request.user
        lots = Lot.objects.filter(auction__in=viewable_auctions(user)).select_related("auction")
        lot = get_object_or_404(lots, pk=pk)
        record = lot_record(lot)
        if record is None:
            raise Refused("not_closed", _("There is a record once the lot is closed."))
        filename = f"auction-{lot.auction_id}-lot-{lot.pk}.json"
        return Response(record, headers={"Content-Disposition": f'inline; filename="{filename}"'})


class OwnBidDetail(APIView):
    """Look up one's own bid."""

    permission_classes = (permissions.IsAuthenticated,)

    @extend_schema(
        operation_id="bids_retrieve",
        tags=["bids"],
        responses={
            200: OwnBidSerializer,
            401: OpenApiResponse(ProblemSerializer, description="Sign in first."),
            **NOT_FOUND,
        },
    )
    def get(self, request: Request, bid_id: str) -> Response:
        """Return what became of one's own bid, and what opens its commitment. `bid_id` is the id that you gave it."""
        user = request.user
        assert isinstance(user, User)
        registrations = Registration.objects.filter(user=user).select_related("auction")
        accepted = own_bid(registrations, bid_id)
        if accepted is not None:
            return Response(_accepted(accepted))
        refusal = own_refusal(registrations, bid_id)
        if refusal is None:
            raise exceptions.NotFound
        return Response(_refused(refusal))


@require_safe
def signing_keys(request: HttpRequest) -> JsonResponse:
    """Publish the keys that verify this site's records, the current one first."""
    return JsonResponse(published_keys(), headers={"Access-Control-Allow-Origin": "*", "Cache-Control": "max-age=300"})


def _accepted(bid: OwnBid) -> dict[str, Any]:
    offer, exponent = bid.offer, bid.registration.auction.currency.exponent
    answer, halves = offer["answer"], bid.private
    return {
        "id": bid.event.bid_id,
        "auction": bid.event.auction_id,
        "lot": answer["lot"],
        "status": "voided" if bid.voided else "accepted",
        "code": None,
        "amount": format_amount(answer["amount"], exponent),
        "max_amount": format_amount(answer["max"], exponent) if "max" in answer else None,
        "v": bid.event.v,
        "s": bid.event.s,
        "at_ms": bid.event.at_ms,
        "opening": {
            "text": halves.offer.text,
            "salt": halves.offer.salt,
            "offer": halves.offer.commitment,
            "rest": halves.rest.commitment,
            "public_sha256": public_digest(bid.event.public),
            "hash": bid.event.hash,
        },
        "head": stored_head(bid.event.auction_id),
    }


def _refused(refusal: Refusal) -> dict[str, Any]:
    exponent = refusal.auction.currency.exponent
    return {
        "id": refusal.bid_id,
        "auction": refusal.auction_id,
        "lot": None,
        "status": "refused",
        "code": refusal.code,
        "amount": format_amount(refusal.amount or 0, exponent),
        "max_amount": None,
        "v": refusal.v,
        "s": 0,
        "at_ms": refusal.at_ms,
        "opening": None,
        "head": stored_head(refusal.auction_id),
    }
