"""The part of the API around a room: tickets for its sockets, moderation of its chat, and one's notifications.

Decides nothing: views look an object up among those that exist for the caller, and call a service. What one may not
moderate is 404, as if it were not there.
"""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, permissions, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import check_second_factor, request_sign_in
from accounts.models import User
from auctions.api import NOT_FOUND, PROBLEM, SECOND_FACTOR, Pages
from auctions.models import Auction, Registration
from auctions.money import format_amount
from auctions.permissions import can_moderate, viewable_auctions
from auctions.problems import ProblemSerializer
from bidding.models import (
    LONGEST_SLOW_MODE_S,
    ChatRoom,
    ModerationReason,
    ModeratorNote,
    Mute,
    Notification,
)
from bidding.services import moderation, tickets

SIGN_IN = {401: OpenApiResponse(ProblemSerializer, description="Sign in first.")}
MODERATOR_READS = {**SIGN_IN, **SECOND_FACTOR, **NOT_FOUND}
MODERATOR = {**PROBLEM, **MODERATOR_READS}


# --- Tickets -----------------------------------------------------------------------------------------


class TicketSerializer(serializers.Serializer[Any]):
    """A ticket for one socket: connect with `?ticket=…` within `expires_in_s` seconds."""

    ticket = serializers.CharField()
    expires_in_s = serializers.IntegerField()


class SocketTicketCreate(APIView):
    """Get a ticket for a socket."""

    permission_classes = (permissions.IsAuthenticated,)

    @extend_schema(
        operation_id="socket_tickets_create",
        tags=["sockets"],
        request=None,
        responses={
            201: TicketSerializer,
            **SIGN_IN,
            429: OpenApiResponse(ProblemSerializer, description="Too many tickets at once."),
            503: OpenApiResponse(ProblemSerializer, description="Tickets are not available right now."),
        },
    )
    def post(self, request: Request) -> Response:
        """Get a ticket that opens one socket as you, once. It ends with the sign-in that asked for it."""
        ticket = tickets.ticket_issue(sign_in=request_sign_in(request))
        return Response(TicketSerializer(ticket).data, status=status.HTTP_201_CREATED)


# --- Moderation --------------------------------------------------------------------------------------


class ChatRoomSerializer(serializers.ModelSerializer[ChatRoom]):
    """How people talk in a room."""

    slow_mode_s = serializers.IntegerField(min_value=0, max_value=LONGEST_SLOW_MODE_S, required=False)
    blocked_words = serializers.CharField(
        allow_blank=True, max_length=moderation.LONGEST_BLOCKED_WORDS, required=False, trim_whitespace=False
    )
    pinned = serializers.CharField(source="pinned.entry", read_only=True, allow_null=True, default=None)

    class Meta:
        model = ChatRoom
        fields = ("slow_mode_s", "blocked_words", "pinned")


class RemovalSerializer(serializers.Serializer[Any]):
    """Why a line is taken away."""

    reason = serializers.ChoiceField(choices=ModerationReason.choices)


class PinSerializer(serializers.Serializer[Any]):
    """Which line is pinned; null takes the pin away."""

    entry = serializers.CharField(allow_null=True, max_length=40, help_text="The line's id.")


class PersonSerializer(serializers.Serializer[Any]):
    """Somebody, by a line that they said or by their paddle."""

    entry = serializers.CharField(required=False, max_length=40, help_text="The id of a line that they said.")
    paddle = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Want exactly one of the two."""
        if ("entry" in attrs) == ("paddle" in attrs):
            raise serializers.ValidationError(_("Name the person by `entry` or by `paddle`."))
        return attrs


class MuteRequestSerializer(PersonSerializer):
    """Whom to mute, for how long, and why."""

    minutes = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=moderation.LONGEST_MUTE_MIN, help_text="Null: the show."
    )
    reason = serializers.ChoiceField(choices=ModerationReason.choices)
    note = serializers.CharField(required=False, allow_blank=True, max_length=500, help_text="For moderators alone.")


class NoteRequestSerializer(PersonSerializer):
    """A note about somebody."""

    text = serializers.CharField(max_length=1_000)


class _PersonFields(serializers.ModelSerializer[Any]):
    """Who it is about, as far as a moderator may know: the paddle, and the name that they chose."""

    paddle = serializers.SerializerMethodField()
    name = serializers.CharField(source="user.display_name", read_only=True)
    by = serializers.CharField(source="created_by.display_name", read_only=True)

    def get_paddle(self, about: Mute | ModeratorNote) -> int | None:
        """Return their paddle in this auction."""
        paddles: dict[int, int] = self.context["paddles"]
        return paddles.get(about.user_id)


class MuteSerializer(_PersonFields):
    """A mute."""

    class Meta:
        model = Mute
        fields = ("id", "paddle", "name", "until", "reason", "note", "by", "created_at", "lifted_at")
        read_only_fields = fields


class NoteSerializer(_PersonFields):
    """A moderators' note."""

    class Meta:
        model = ModeratorNote
        fields = ("id", "paddle", "name", "text", "by", "created_at")
        read_only_fields = fields


class NoticeSerializer(serializers.Serializer[Any]):
    """A quick message of the host."""

    text = serializers.CharField(max_length=500)


class _Moderation(APIView):
    """A view on the chat of an auction that the caller moderates."""

    permission_classes = (permissions.IsAuthenticated,)

    def auction(self, pk: int) -> Auction:
        """Return the auction; 404 to who does not moderate it."""
        user = _user(self.request)
        auction = get_object_or_404(viewable_auctions(user).select_related("organizer"), pk=pk)
        if not can_moderate(user, auction):
            raise Http404
        check_second_factor(self.request)
        return auction

    def context(self, auction: Auction) -> dict[str, Any]:
        """Return what the answers about people need."""
        holders = Registration.objects.filter(auction=auction, user__isnull=False)
        return {"paddles": dict(holders.values_list("user", "paddle"))}

    def person(self, auction: Auction, wanted: PersonSerializer) -> User:
        """Return who is meant."""
        data = wanted.validated_data
        return moderation.person_behind(auction=auction, entry=data.get("entry"), paddle=data.get("paddle"))


class ChatRoomDetail(_Moderation):
    """How people talk in an auction's room."""

    @extend_schema(operation_id="chat_retrieve", tags=["chat"], responses={200: ChatRoomSerializer, **MODERATOR_READS})
    def get(self, request: Request, pk: int) -> Response:
        """Show slow mode, blocked words and the pinned line; for moderators."""
        auction = self.auction(pk)
        room = ChatRoom.objects.select_related("pinned").filter(auction=auction).first() or ChatRoom(auction=auction)
        return Response(ChatRoomSerializer(room).data)

    @extend_schema(
        operation_id="chat_update",
        tags=["chat"],
        request=ChatRoomSerializer,
        responses={200: ChatRoomSerializer, **MODERATOR},
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change slow mode and blocked words; what is left out stays."""
        auction = self.auction(pk)
        wanted = ChatRoomSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        room = moderation.chat_room_change(auction=auction, actor=_user(request), **wanted.validated_data)
        return Response(ChatRoomSerializer(room).data)


class ChatPin(_Moderation):
    """The line that is pinned on top of the chat."""

    @extend_schema(
        operation_id="chat_pin_update",
        tags=["chat"],
        request=PinSerializer,
        responses={200: ChatRoomSerializer, **MODERATOR},
    )
    def put(self, request: Request, pk: int) -> Response:
        """Pin a line, or take the pin away."""
        auction = self.auction(pk)
        wanted = PinSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        room = moderation.chat_line_pin(auction=auction, entry=wanted.validated_data["entry"], actor=_user(request))
        return Response(ChatRoomSerializer(room).data)


class ChatLineRemove(_Moderation):
    """Taking a line away."""

    @extend_schema(
        operation_id="chat_lines_remove", tags=["chat"], request=RemovalSerializer, responses={204: None, **MODERATOR}
    )
    def post(self, request: Request, pk: int, entry: str) -> Response:
        """Take a line away from every page; doing it again is fine."""
        auction = self.auction(pk)
        wanted = RemovalSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        reason = ModerationReason(wanted.validated_data["reason"])
        moderation.chat_line_remove(auction=auction, entry=entry, actor=_user(request), reason=reason)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Mutes(_Moderation):
    """The mutes of an auction."""

    @extend_schema(
        operation_id="mutes_list", tags=["chat"], responses={200: MuteSerializer(many=True), **MODERATOR_READS}
    )
    def get(self, request: Request, pk: int) -> Response:
        """List who was muted, the newest first, at most 200."""
        auction = self.auction(pk)
        mutes = Mute.objects.select_related("user", "created_by").filter(auction=auction)[:200]
        return Response(MuteSerializer(mutes, many=True, context=self.context(auction)).data)

    @extend_schema(
        operation_id="mutes_create",
        tags=["chat"],
        request=MuteRequestSerializer,
        responses={
            201: MuteSerializer,
            **MODERATOR,
            409: OpenApiResponse(ProblemSerializer, description="`own_team`: they work for the auction."),
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        """Mute somebody for a while or for the show; a new mute replaces the last one."""
        auction = self.auction(pk)
        wanted = MuteRequestSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        mute = moderation.person_mute(
            auction=auction,
            user=self.person(auction, wanted),
            actor=_user(request),
            reason=ModerationReason(wanted.validated_data["reason"]),
            minutes=wanted.validated_data.get("minutes"),
            note=wanted.validated_data.get("note", ""),
        )
        return Response(MuteSerializer(mute, context=self.context(auction)).data, status=status.HTTP_201_CREATED)


class MuteDetail(_Moderation):
    """One mute."""

    @extend_schema(operation_id="mutes_lift", tags=["chat"], responses={204: None, **MODERATOR_READS})
    def delete(self, request: Request, pk: int, mute_id: int) -> Response:
        """Let somebody speak again."""
        auction = self.auction(pk)
        mute = get_object_or_404(Mute.objects.select_related("auction"), auction=auction, pk=mute_id)
        moderation.mute_lift(mute=mute, actor=_user(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ModeratorNotes(_Moderation):
    """The notes of a house's moderators."""

    @extend_schema(
        operation_id="moderator_notes_list",
        tags=["chat"],
        responses={200: NoteSerializer(many=True), **MODERATOR_READS},
    )
    def get(self, request: Request, pk: int) -> Response:
        """List what moderators of this house noted about people, the newest first, at most 200."""
        auction = self.auction(pk)
        notes = ModeratorNote.objects.select_related("user", "created_by").filter(organizer=auction.organizer_id)[:200]
        return Response(NoteSerializer(notes, many=True, context=self.context(auction)).data)

    @extend_schema(
        operation_id="moderator_notes_create",
        tags=["chat"],
        request=NoteRequestSerializer,
        responses={201: NoteSerializer, **MODERATOR},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Note something about somebody; they never see it."""
        auction = self.auction(pk)
        wanted = NoteRequestSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        note = moderation.moderator_note_add(
            auction=auction,
            user=self.person(auction, wanted),
            actor=_user(request),
            text=wanted.validated_data["text"],
        )
        return Response(NoteSerializer(note, context=self.context(auction)).data, status=status.HTTP_201_CREATED)


class NoticeCreate(_Moderation):
    """Quick messages of the host."""

    @extend_schema(
        operation_id="notices_create", tags=["chat"], request=NoticeSerializer, responses={204: None, **MODERATOR}
    )
    def post(self, request: Request, pk: int) -> Response:
        """Show everybody in the room a quick message of the host; for who runs the auction."""
        auction = self.auction(pk)
        wanted = NoticeSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        moderation.notice_send(auction=auction, actor=_user(request), text=wanted.validated_data["text"])
        return Response(status=status.HTTP_204_NO_CONTENT)


# --- Notifications -----------------------------------------------------------------------------------


class NotificationSerializer(serializers.ModelSerializer[Notification]):
    """Something to know."""

    auction = serializers.IntegerField(source="auction_id", read_only=True)
    lot = serializers.SerializerMethodField()
    title = serializers.SerializerMethodField()
    amount = serializers.SerializerMethodField()

    class Meta:
        model = Notification
        fields = ("id", "kind", "auction", "lot", "title", "amount", "v", "at_ms", "read_at")
        read_only_fields = fields

    def get_lot(self, notification: Notification) -> int | None:
        """Return the lot that it tells of; none where it tells of a whole show."""
        return notification.run.lot_id if notification.run else None

    def get_title(self, notification: Notification) -> str:
        """Return the title of the lot, or of the show."""
        return notification.run.lot.title if notification.run else notification.auction.title

    def get_amount(self, notification: Notification) -> str | None:
        """Return the price that it tells of, or what there is to pay."""
        if notification.amount is None:
            return None
        return format_amount(notification.amount, notification.auction.currency.exponent)


class NotificationPages(Pages):
    """The newest first."""

    ordering = ("-at_ms", "-pk")


class NotificationList(generics.ListAPIView[Notification]):
    """List what you should know."""

    serializer_class = NotificationSerializer
    pagination_class = NotificationPages
    permission_classes = (permissions.IsAuthenticated,)
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Notification]:
        """Return one's own."""
        if getattr(self, "swagger_fake_view", False):
            return Notification.objects.none()
        own = Notification.objects.filter(user=_user(self.request))
        return own.select_related("auction", "run__lot")

    @extend_schema(
        operation_id="notifications_list",
        tags=["notifications"],
        responses={200: NotificationSerializer(many=True), **SIGN_IN},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List what you should know, the newest first: where you were outbid and do not lead, what you won, shows."""
        return super().get(request, *args, **kwargs)


class NotificationsRead(APIView):
    """Having read them."""

    permission_classes = (permissions.IsAuthenticated,)

    @extend_schema(
        operation_id="notifications_read", tags=["notifications"], request=None, responses={204: None, **SIGN_IN}
    )
    def post(self, request: Request) -> Response:
        """Mark all of your notifications as read."""
        Notification.objects.filter(user=_user(request), read_at=None).update(read_at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


def _user(request: Request) -> User:
    user = request.user
    assert isinstance(user, User)
    return user
