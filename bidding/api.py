"""The part of the API that knows the live floor: an auction with its state, paddles, and the history of bids.

Decides nothing: views look an object up among those that exist for the caller, and call a service or a selector.
"""

import json
from typing import Any, TypedDict

from django.db.models import Count, Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from redis.exceptions import RedisError
from rest_framework import generics, permissions, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from auctions.api import NOT_FOUND, PROBLEM, Pages
from auctions.models import (
    Auction,
    AuctionStatus,
    EntryRequirement,
    Lot,
    LotRun,
    Registration,
    RegistrationStatus,
)
from auctions.money import format_amount
from auctions.permissions import AnyUser, viewable_auctions
from auctions.problems import ProblemSerializer
from auctions.serializers import AuctionSerializer, LotSerializer, TermsSerializer
from bidding import selectors, services
from bidding.engine.outcomes import EngineError
from bidding.models import Bid


class StreamDict(TypedDict):
    """The video."""

    state: str
    kind: str | None
    playback_url: str | None


class StreamSerializer(serializers.Serializer[Any]):
    """The video: its state, and how and where to watch it."""

    state = serializers.CharField()
    kind = serializers.CharField(allow_null=True)
    playback_url = serializers.CharField(allow_null=True)


class StateSerializer(serializers.Serializer[Any]):
    """The live state at version `v`: current lot, next lot and recent bids as in the socket's STATE message."""

    v = serializers.IntegerField()
    epoch = serializers.CharField()
    server_time_ms = serializers.IntegerField()
    status = serializers.CharField()
    lot = serializers.DictField(allow_null=True)
    next = serializers.DictField(allow_null=True)
    recent_bids = serializers.ListField(child=serializers.DictField())


class RegistrationSerializer(serializers.ModelSerializer[Registration]):
    """A paddle."""

    status = serializers.ChoiceField(choices=RegistrationStatus.choices, read_only=True)

    class Meta:
        model = Registration
        fields = ("paddle", "status")
        read_only_fields = fields


class RegistrationRequestSerializer(serializers.Serializer[Any]):
    """What it takes to get a paddle."""

    accept_terms = serializers.BooleanField(help_text="That you accept the auction's conditions of sale.")


class AuctionDetailSerializer(AuctionSerializer):
    """An auction with its lots, its video, its terms and what is happening now."""

    entry = serializers.ChoiceField(choices=EntryRequirement.choices, read_only=True)
    terms = TermsSerializer(read_only=True, allow_null=True)
    lots = LotSerializer(many=True, read_only=True)
    stream = serializers.SerializerMethodField()
    state = serializers.SerializerMethodField(help_text="Null while nothing is known of it on the live floor.")
    registration = serializers.SerializerMethodField(help_text="Your own paddle, if you have one.")

    class Meta(AuctionSerializer.Meta):
        fields = (
            *AuctionSerializer.Meta.fields,
            "description",
            "entry",
            "terms",
            "stream",
            "state",
            "registration",
            "lots",
        )
        read_only_fields = fields

    @extend_schema_field(StreamSerializer)
    def get_stream(self, auction: Auction) -> StreamDict:
        """Return the video."""
        part = selectors.stream_part(auction)
        return StreamDict(state=part.state, kind=part.kind, playback_url=part.playback_url)

    @extend_schema_field(StateSerializer(allow_null=True))
    def get_state(self, auction: Auction) -> dict[str, Any] | None:
        """Return what is happening now, read from the floor."""
        if auction.status not in (AuctionStatus.SCHEDULED, AuctionStatus.LIVE):
            return None
        try:
            snapshot = selectors.snapshot_now(auction.pk)
        except (EngineError, RedisError):
            # The catalogue is read also while the floor cannot be; bids are refused there, not here.
            return None
        return {
            "v": snapshot.v,
            "epoch": snapshot.epoch,
            "server_time_ms": snapshot.now_ms,
            "status": snapshot.status,
            "lot": json.loads(snapshot.lot) if snapshot.lot else None,
            "next": json.loads(snapshot.next) if snapshot.next else None,
            "recent_bids": [json.loads(bid) for bid in snapshot.recent_bids],
        }

    @extend_schema_field(RegistrationSerializer(allow_null=True))
    def get_registration(self, auction: Auction) -> dict[str, Any] | None:
        """Return the caller's own paddle."""
        user = self.context["request"].user
        if not user.is_authenticated:
            return None
        registration = Registration.objects.filter(auction=auction, user=user).first()
        return None if registration is None else RegistrationSerializer(registration).data


class BidSerializer(serializers.ModelSerializer[Bid]):
    """One accepted bid, under its paddle."""

    amount = serializers.SerializerMethodField()
    paddle = serializers.IntegerField(source="registration.paddle", read_only=True)
    voided = serializers.SerializerMethodField()
    attempt = serializers.IntegerField(source="run.attempt", read_only=True, help_text="Which offering of the lot.")

    class Meta:
        model = Bid
        fields = ("v", "amount", "paddle", "automatic", "at_ms", "voided", "attempt")
        read_only_fields = fields

    def get_amount(self, bid: Bid) -> str:
        """Return the amount."""
        return format_amount(bid.amount, bid.run.auction.currency.exponent)

    def get_voided(self, bid: Bid) -> bool:
        """Say whether staff took the bid back."""
        return bid.voided_at_v is not None


class BidPages(Pages):
    """The newest first."""

    ordering = ("-v", "-pk")


class AuctionDetail(generics.RetrieveAPIView[Auction]):
    """Show an auction with its lots, its video and what is happening now."""

    serializer_class = AuctionDetailSerializer
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Auction]:
        """Return what exists for this person."""
        user: AnyUser = self.request.user
        runs = LotRun.objects.select_related("winner").order_by("attempt")
        lots = Lot.objects.select_related("auction").prefetch_related("images", Prefetch("runs", runs))
        return (
            viewable_auctions(user)
            .select_related("organizer", "terms", "stream_channel")
            .annotate(lot_count=Count("lots"))
            .prefetch_related(Prefetch("lots", lots))
        )

    @extend_schema(
        operation_id="auctions_retrieve", tags=["auctions"], responses={200: AuctionDetailSerializer, **NOT_FOUND}
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show an auction with its lots, its video and what is happening now."""
        return super().get(request, *args, **kwargs)


class RegistrationCreate(APIView):
    """Register for an auction."""

    permission_classes = (permissions.IsAuthenticated,)

    @extend_schema(
        operation_id="auctions_registrations_create",
        tags=["auctions"],
        request=RegistrationRequestSerializer,
        responses={
            201: OpenApiResponse(RegistrationSerializer, description="Your new paddle."),
            200: OpenApiResponse(RegistrationSerializer, description="The paddle that you had already."),
            **PROBLEM,
            401: OpenApiResponse(ProblemSerializer, description="Sign in first."),
            403: OpenApiResponse(ProblemSerializer, description="`own_lot`: you work for this auction."),
            **NOT_FOUND,
            409: OpenApiResponse(
                ProblemSerializer,
                description="`registration_closed`: no paddles are given out. `too_many_strikes`: not to you, and until"
                " when. `address_missing`: write your address in your profile first.",
            ),
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        """Get a paddle for an auction; asking again returns the same one."""
        user = request.user
        assert isinstance(user, User)
        auction = get_object_or_404(viewable_auctions(user), pk=pk)
        wanted = RegistrationRequestSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        registration, created = services.registration_create(
            auction=auction, user=user, accept_terms=wanted.validated_data["accept_terms"]
        )
        return Response(
            RegistrationSerializer(registration).data,
            status=status.HTTP_201_CREATED if created else status.HTTP_200_OK,
        )


class LotBids(generics.ListAPIView[Bid]):
    """List the accepted bids of a lot as stored, newest first."""

    serializer_class = BidSerializer
    pagination_class = BidPages
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Bid]:
        """Return the bids of a lot that exists for this person."""
        if getattr(self, "swagger_fake_view", False):
            return Bid.objects.none()
        user: AnyUser = self.request.user
        lot = get_object_or_404(Lot.objects.filter(auction__in=viewable_auctions(user)), pk=self.kwargs["pk"])
        return Bid.objects.filter(run__lot=lot).select_related("registration", "run__auction")

    @extend_schema(operation_id="lots_bids_list", tags=["lots"], responses={200: BidSerializer(many=True), **NOT_FOUND})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the accepted bids of a lot as stored, newest first."""
        return super().get(request, *args, **kwargs)
