"""The part of the API around video: where one watches, and what the video service tells of its streams.

Decides nothing: views look a channel up, and call a service.
"""

from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.crypto import constant_time_compare
from drf_spectacular.utils import OpenApiResponse, extend_schema
from redis.exceptions import RedisError
from rest_framework import permissions, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import request_sign_in
from accounts.models import User
from auctions.api import NOT_FOUND, PROBLEM
from auctions.models import StreamChannel
from auctions.problems import ProblemSerializer, problem
from auctions.streaming.base import StreamTrouble
from bidding import services
from bidding.services.streams import RecordingNews

SECRET_HEADER: Final = "X-Stream-Secret"  # noqa: S105 (its name)
_STREAM_KINDS: Final = ("IVS Stream State Change", "IVS Stream Health Change")
_RECORDING_KIND: Final = "IVS Recording State Change"


class PlaybackSerializer(serializers.Serializer[Any]):
    """Where to watch."""

    kind = serializers.CharField(help_text="How: `ivs`, `hls` or `relay`.")
    url = serializers.CharField(help_text="Of a private channel: yours alone, and to be opened within two minutes.")


class StreamPlayback(APIView):
    """Get the address of a channel's video."""

    @extend_schema(
        operation_id="streams_playback_retrieve", tags=["video"], responses={200: PlaybackSerializer, **NOT_FOUND}
    )
    def get(self, request: Request, pk: int) -> Response:
        """Get the address at which you watch the auction that is live on a channel; for each start another."""
        sign_in = request_sign_in(request) if isinstance(request.user, User) else None
        found = services.stream_playback(channel_id=pk, user=request.user, sign_in=sign_in)
        return Response(PlaybackSerializer(found).data, headers={"Cache-Control": "no-store"})


class StreamEventSerializer(serializers.Serializer[Any]):
    """An event of Amazon IVS as EventBridge delivers it; fields that are not named here count for nothing."""

    id = serializers.RegexField(r"^[A-Za-z0-9-]{1,64}$")
    time = serializers.DateTimeField()
    resources = serializers.ListField(child=serializers.CharField(max_length=128), min_length=1, max_length=10)
    detail = serializers.DictField()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add what is no name in Python, or is a serializer's own."""
        return {
            **super().get_fields(),
            "source": serializers.ChoiceField(choices=["aws.ivs"]),
            "detail-type": serializers.CharField(max_length=128),
        }


class RecordingDetailSerializer(serializers.Serializer[Any]):
    """What such an event says of a recording."""

    recording_status = serializers.CharField(max_length=64)
    recording_s3_bucket_name = serializers.RegexField(r"^[a-z0-9.-]{3,63}$")
    recording_s3_key_prefix = serializers.RegexField(r"^[A-Za-z0-9/_-]{1,300}$")
    recording_duration_ms = serializers.IntegerField(min_value=0, max_value=2**40, default=0)


class StreamEvents(APIView):
    """Take events of the video service."""

    authentication_classes = ()
    permission_classes = (permissions.AllowAny,)

    @extend_schema(
        operation_id="streams_events_create",
        tags=["video"],
        auth=[],
        request=StreamEventSerializer,
        responses={
            204: OpenApiResponse(description="It was taken, was taken before, or means nothing here."),
            **PROBLEM,
            401: OpenApiResponse(ProblemSerializer, description=f"`wrong_secret`: the header {SECRET_HEADER} is."),
            404: OpenApiResponse(ProblemSerializer, description="No such channel, or no events are taken here."),
            503: OpenApiResponse(ProblemSerializer, description="Send it again."),
        },
    )
    def post(self, request: Request) -> Response:
        """Take an event that EventBridge sends with the site's secret, once however often it comes."""
        if not settings.IVS_EVENTS_SECRET:
            raise Http404
        if not constant_time_compare(request.headers.get(SECRET_HEADER, ""), settings.IVS_EVENTS_SECRET):
            return problem(status.HTTP_401_UNAUTHORIZED, "wrong_secret", "The secret is wrong.")
        event = StreamEventSerializer(data=request.data)
        event.is_valid(raise_exception=True)
        told = event.validated_data
        if told["detail-type"] not in (*_STREAM_KINDS, _RECORDING_KIND):
            return Response(status=status.HTTP_204_NO_CONTENT)
        channel = get_object_or_404(StreamChannel, provider="ivs", external_id=told["resources"][0])
        recording = _recording(told) if told["detail-type"] == _RECORDING_KIND else None
        try:
            services.stream_event_take(event_id=told["id"], channel=channel, recording=recording)
        except (StreamTrouble, RedisError, OSError):
            return problem(status.HTTP_503_SERVICE_UNAVAILABLE, "unavailable", "It could not be taken: send it again.")
        return Response(status=status.HTTP_204_NO_CONTENT)


def _recording(told: dict[str, Any]) -> RecordingNews | None:
    """Return what an event says of a recording; None where none began or ended, so that the stream is looked at."""
    detail = RecordingDetailSerializer(data=told["detail"])
    detail.is_valid(raise_exception=True)
    facts = detail.validated_data
    lasted = {"Recording Start": None, "Recording End": timedelta(milliseconds=facts["recording_duration_ms"])}
    if facts["recording_status"] not in lasted:
        return None
    return RecordingNews(
        bucket=facts["recording_s3_bucket_name"],
        prefix=facts["recording_s3_key_prefix"],
        at=told["time"],
        lasted=lasted[facts["recording_status"]],
    )
