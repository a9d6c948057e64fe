"""Reporting a line of chat or a bidder by the API: what the room's page asks. Decides nothing itself."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import permissions, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from auctions.api import NOT_FOUND, PROBLEM
from auctions.permissions import viewable_auctions
from auctions.problems import ProblemSerializer
from bidding.api_room import SIGN_IN, PersonSerializer
from bidding.models import ModerationReason
from bidding.services import reports


class ReportSerializer(PersonSerializer):
    """Whom or what to report, and why."""

    reason = serializers.ChoiceField(choices=ModerationReason.choices)
    text = serializers.CharField(required=False, allow_blank=True, max_length=reports.LONGEST_TEXT)


class ReportCreate(APIView):
    """Reports of an auction."""

    permission_classes = (permissions.IsAuthenticated,)

    @extend_schema(
        operation_id="reports_create",
        tags=["chat"],
        request=ReportSerializer,
        responses={
            204: None,
            **PROBLEM,
            **SIGN_IN,
            **NOT_FOUND,
            409: OpenApiResponse(ProblemSerializer, description="`own`, or `own_team`: they work for the auction."),
            429: OpenApiResponse(ProblemSerializer, description="Too many reports at once."),
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        """Report a line or a bidder to the moderators; again it is the same report. They never learn by whom."""
        user: Any = request.user
        assert isinstance(user, User)
        auction = get_object_or_404(viewable_auctions(user).select_related("organizer"), pk=pk)
        wanted = ReportSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        data = wanted.validated_data
        reports.report_make(
            auction=auction,
            reporter=user,
            reason=ModerationReason(data["reason"]),
            entry=data.get("entry"),
            paddle=data.get("paddle"),
            text=data.get("text", ""),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)
