"""The part of the API for the people of a house: paddles for the hall and the phone, bids for them, lots offered again.

Decides nothing: what one may not do is 404, as if it were not there. Outside a demo it takes a second factor.
"""

import json
from typing import Any

import msgspec
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import permissions, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import check_second_factor
from accounts.models import User
from auctions.api import NOT_FOUND, PROBLEM, SECOND_FACTOR
from auctions.models import Auction, Lot, Registration, RegistrationKind
from auctions.money import parse_amount
from auctions.permissions import can_enter_bids, manageable_auctions, viewable_auctions
from auctions.problems import ProblemSerializer
from bidding import protocol, services
from bidding.protocol import BidAccepted, BidRejected
from bidding.services.registrations import ENTERED

SIGN_IN = {401: OpenApiResponse(ProblemSerializer, description="Sign in first.")}
HOUSE = {**PROBLEM, **SIGN_IN, **SECOND_FACTOR, **NOT_FOUND}


class PaddleRequestSerializer(serializers.Serializer[Any]):
    """Somebody who does not bid by themselves."""

    kind = serializers.ChoiceField(choices=[(kind.value, kind.label) for kind in ENTERED])
    alias = serializers.CharField(required=False, allow_blank=True, max_length=40, help_text="For example a seat.")


class HousePaddleSerializer(serializers.ModelSerializer[Registration]):
    """A paddle that the house bids for."""

    kind = serializers.CharField(read_only=True)

    class Meta:
        model = Registration
        fields = ("paddle", "kind", "alias")
        read_only_fields = fields


class EnteredBidSerializer(serializers.Serializer[Any]):
    """A bid for a paddle, with the fields of the socket's BID."""

    paddle = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    amount = serializers.CharField(max_length=20)
    lot = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    max = serializers.BooleanField(required=False, default=False)
    id = serializers.UUIDField(required=False, help_text="Repeat it to get the same answer again.")
    confirm = serializers.CharField(required=False, max_length=200)


class BidReplySerializer(serializers.Serializer[Any]):
    """The answer as the socket gives it: BID_ACCEPTED, BID_REJECTED or BID_UNKNOWN, with the fields of each."""

    type = serializers.CharField()


class OfferAgainSerializer(serializers.Serializer[Any]):
    """A lot that is offered again."""

    opening_amount = serializers.CharField(required=False, max_length=20, help_text="Of the new run.")


class HousePaddleCreate(APIView):
    """Paddles for people in the hall, on the phone, or with a written bid."""

    permission_classes = (permissions.IsAuthenticated,)

    @extend_schema(
        operation_id="house_paddles_create",
        tags=["house"],
        request=PaddleRequestSerializer,
        responses={
            201: HousePaddleSerializer,
            **HOUSE,
            409: OpenApiResponse(ProblemSerializer, description="`registration_closed`: no paddles are given out."),
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        """Give out a paddle for somebody without an account."""
        auction = _entering(request, pk)
        wanted = PaddleRequestSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        registration = services.registration_enter(
            auction=auction,
            actor=_user(request),
            kind=RegistrationKind(wanted.validated_data["kind"]),
            alias=wanted.validated_data.get("alias", ""),
        )
        return Response(HousePaddleSerializer(registration).data, status=status.HTTP_201_CREATED)


class EnteredBidCreate(APIView):
    """Bids that the house enters for a paddle."""

    permission_classes = (permissions.IsAuthenticated,)

    @extend_schema(
        operation_id="house_bids_create",
        tags=["house"],
        request=EnteredBidSerializer,
        responses={
            200: OpenApiResponse(BidReplySerializer, description="`BID_ACCEPTED`: it counted."),
            409: OpenApiResponse(BidReplySerializer, description="`BID_REJECTED`: it did not, and why."),
            503: OpenApiResponse(BidReplySerializer, description="`BID_UNKNOWN`: ask again with the same id."),
            **HOUSE,
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        """Bid for a paddle, through the same script as every other bid."""
        auction = _entering(request, pk)
        wanted = EnteredBidSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        fields = dict(wanted.validated_data)
        paddle = fields.pop("paddle")
        if "id" in fields:
            fields["id"] = str(fields["id"])
        message = protocol.parse(json.dumps({"type": "BID", **fields}))
        assert isinstance(message, protocol.PlaceBid)
        reply = services.bid_enter(auction=auction, paddle=paddle, actor=_user(request), message=message)
        codes = {BidAccepted: status.HTTP_200_OK, BidRejected: status.HTTP_409_CONFLICT}
        return Response(msgspec.to_builtins(reply), status=codes.get(type(reply), status.HTTP_503_SERVICE_UNAVAILABLE))


class LotOfferAgain(APIView):
    """Lots that passed, once more."""

    permission_classes = (permissions.IsAuthenticated,)

    @extend_schema(
        operation_id="lots_offer_again",
        tags=["house"],
        request=OfferAgainSerializer,
        responses={
            204: None,
            **HOUSE,
            409: OpenApiResponse(ProblemSerializer, description="`not_passed`: it was sold, or is still up."),
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        """Put a lot that passed or was withdrawn back into the run of show; it comes next, as a new run."""
        user = _user(request)
        lot = get_object_or_404(
            Lot.objects.select_related("auction").filter(auction__in=manageable_auctions(user)), pk=pk
        )
        check_second_factor(request)
        wanted = OfferAgainSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        text = wanted.validated_data.get("opening_amount")
        opening = None if text is None else parse_amount(text, lot.auction.currency.exponent)
        if text is not None and opening is None:
            raise serializers.ValidationError({"opening_amount": "That is not an amount in the auction's currency."})
        services.lot_offer_again(lot=lot, actor=user, opening_amount=opening)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _entering(request: Request, pk: int) -> Auction:
    user = _user(request)
    auction = get_object_or_404(viewable_auctions(user), pk=pk)
    if not can_enter_bids(user, auction):
        raise Http404
    check_second_factor(request)
    return auction


def _user(request: Request) -> User:
    user = request.user
    assert isinstance(user, User)
    return user
