"""The part of the API that tells of a show's recording: its parts and its chapters. Reads alone."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from auctions.api import NOT_FOUND
from auctions.models import LotResult
from auctions.permissions import AnyUser
from bidding.chapters import Beginning, Chapter, Place
from bidding.pages_replay import replay_page, replayable_auctions


class PlaceSerializer(serializers.Serializer[Any]):
    """A moment of the recording."""

    part = serializers.IntegerField(help_text="The part's id.")
    second = serializers.FloatField(help_text="In that part.")


class PartSerializer(serializers.Serializer[Any]):
    """A part of the recording: from when pictures came until they stopped."""

    id = serializers.IntegerField()
    kind = serializers.CharField(help_text="`file`: one file that is read by ranges. `hls`: a playlist.")
    url = serializers.CharField(help_text="For whoever may see the auction, with the same sign-in as here.")
    table_url = serializers.CharField(
        allow_null=True, help_text="Of a `file`: media times in ms with the bytes at which a player may begin."
    )
    mime = serializers.CharField()
    started_at_ms = serializers.IntegerField(
        help_text="When its first picture was captured, on the clock that decides."
    )
    lasts_ms = serializers.IntegerField()


class ChapterSerializer(serializers.Serializer[Any]):
    """One stretch in which a lot was offered. `start` and `stop` are null where nothing was recorded meanwhile."""

    lot = serializers.IntegerField(source="lot.pk")
    number = serializers.CharField(source="lot.number")
    title = serializers.CharField(source="lot.title")
    attempt = serializers.IntegerField(help_text="Above 1 where the lot was offered again.")
    beginning = serializers.ChoiceField(choices=[each.value for each in Beginning])
    opened_at_ms = serializers.IntegerField()
    closed_at_ms = serializers.IntegerField(allow_null=True)
    result = serializers.ChoiceField(
        choices=LotResult.choices, allow_blank=True, help_text="Empty while it runs, and where the floor was lost."
    )
    amount = serializers.CharField(allow_null=True)
    paddle = serializers.IntegerField(allow_null=True)
    start = serializers.SerializerMethodField()
    stop = serializers.SerializerMethodField()

    @extend_schema_field(PlaceSerializer(allow_null=True))
    def get_start(self, chapter: Chapter) -> dict[str, Any] | None:
        """Return where the lot opens."""
        return _place(chapter.start)

    @extend_schema_field(PlaceSerializer(allow_null=True))
    def get_stop(self, chapter: Chapter) -> dict[str, Any] | None:
        """Return where it is over."""
        return _place(chapter.stop)


class RecordingSerializer(serializers.Serializer[Any]):
    """A show's recording; both lists are empty where nothing was recorded or offered."""

    parts = PartSerializer(many=True)
    chapters = ChapterSerializer(many=True)


class AuctionRecording(APIView):
    """Get a show's recording."""

    @extend_schema(
        operation_id="auctions_recording_retrieve",
        tags=["auctions"],
        responses={200: RecordingSerializer, **NOT_FOUND},
    )
    def get(self, request: Request, pk: int) -> Response:
        """Get the recording of a show that is live or over: its parts, and each offering of a lot as a chapter."""
        user: AnyUser = request.user
        page = replay_page(get_object_or_404(replayable_auctions(user), pk=pk))
        parts = [
            {
                "id": part.recording.pk,
                "kind": told["kind"],
                "url": told["url"],
                "table_url": told["table"],
                "mime": part.recording.mime,
                "started_at_ms": part.started_ms,
                "lasts_ms": part.ended_ms - part.started_ms,
            }
            for part, told in zip(page.parts, page.config["parts"], strict=True)
        ]
        return Response(RecordingSerializer({"parts": parts, "chapters": page.chapters}).data)


def _place(place: Place | None) -> dict[str, Any] | None:
    return None if place is None else {"part": place.part.recording.pk, "second": place.second}
