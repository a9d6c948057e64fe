"""The catalogue in the API: lists of auctions. What needs the live floor is in bidding's part of the API."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import exceptions, generics, pagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from auctions.models import Auction, AuctionStatus
from auctions.permissions import AnyUser, visible_auctions
from auctions.problems import ProblemSerializer
from auctions.serializers import AuctionSerializer

PROBLEM = {400: OpenApiResponse(ProblemSerializer, description="The request is wrong.")}
SECOND_FACTOR = {
    403: OpenApiResponse(ProblemSerializer, description="`second_factor`: this sign-in used no second factor.")
}
NOT_FOUND = {404: OpenApiResponse(ProblemSerializer, description="It does not exist, or not for you.")}


class Pages(pagination.CursorPagination):
    """Pages by cursor: nothing is skipped or repeated while the list grows."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> Any:
        """Return a page; a cursor whose position is no value of the list is as unknown as any other made-up one."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, ValidationError):
            raise exceptions.NotFound(self.invalid_cursor_message) from None


class AuctionPages(Pages):
    """The newest first."""

    ordering = ("-created_at", "-pk")


class AuctionFilter(filters.FilterSet):
    """Which auctions to list."""

    status = filters.ChoiceFilter(
        choices=[choice for choice in AuctionStatus.choices if choice[0] != AuctionStatus.DRAFT]
    )

    class Meta:
        model = Auction
        fields = ("status",)


class AuctionList(generics.ListAPIView[Auction]):
    """List the auctions that you can find: public ones, and those that you were invited to."""

    serializer_class = AuctionSerializer
    pagination_class = AuctionPages
    filterset_class = AuctionFilter

    def get_queryset(self) -> QuerySet[Auction]:
        """Return what this person may find."""
        user: AnyUser = self.request.user
        return visible_auctions(user).select_related("organizer").annotate(lot_count=Count("lots"))

    @extend_schema(
        operation_id="auctions_list", tags=["auctions"], responses={200: AuctionSerializer(many=True), **PROBLEM}
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the auctions that you can find: public ones, and those that you were invited to."""
        return super().get(request, *args, **kwargs)
