"""How auctions and lots read in the API. Amounts are decimal strings; people are paddles.

Reads only: whoever writes calls a service.
"""

from typing import Any, TypedDict

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import Organizer
from auctions.media import TYPE_OF, size_names
from auctions.models import Auction, Lot, LotImage, LotResult, LotRun, TermsVersion
from auctions.money import format_amount
from auctions.rules import rules_in_words


class ResultDict(TypedDict):
    """How a lot ended."""

    result: str
    reason: str
    amount: str | None
    paddle: int | None
    provisional: bool
    closed_at_ms: int | None


class OrganizerSerializer(serializers.ModelSerializer[Organizer]):
    """Who sells."""

    class Meta:
        model = Organizer
        fields = ("name", "slug")
        read_only_fields = fields


class TermsSerializer(serializers.ModelSerializer[TermsVersion]):
    """The conditions of sale that a bidder accepts."""

    version = serializers.IntegerField(source="number", read_only=True)

    class Meta:
        model = TermsVersion
        fields = ("version", "language", "text", "sha256")
        read_only_fields = fields


class SizeDict(TypedDict):
    """A picture in one width, as one kind of file."""

    url: str
    type: str
    width: int


class ImageSerializer(serializers.ModelSerializer[LotImage]):
    """One picture of a lot. `sizes` is empty until they are made; `blur` is a data URI to show before."""

    url = serializers.SerializerMethodField()
    sizes = serializers.SerializerMethodField()

    class Meta:
        model = LotImage
        fields = ("url", "width", "height", "alt", "blur", "sizes")
        read_only_fields = fields

    def get_sizes(self, image: LotImage) -> list[SizeDict]:
        """Return the smaller files, the narrowest first."""
        return [
            {"url": image.file.storage.url(name), "type": TYPE_OF[extension], "width": width}
            for width, extension, name in size_names(str(image.file.name), image.widths)
        ]

    def get_url(self, image: LotImage) -> str:
        """Return the address of the file."""
        return str(image.file.url)


class ResultSerializer(serializers.Serializer[Any]):
    """How a lot ended. The amount is null unless it was sold; provisional until the next lot opens."""

    result = serializers.ChoiceField(choices=LotResult.choices)
    reason = serializers.CharField()
    amount = serializers.CharField(allow_null=True)
    paddle = serializers.IntegerField(allow_null=True)
    provisional = serializers.BooleanField()
    closed_at_ms = serializers.IntegerField(allow_null=True)


class LotSerializer(serializers.ModelSerializer[Lot]):
    """One lot with its rules, its pictures and its result. That there is a reserve is told, never its amount."""

    opening_amount = serializers.SerializerMethodField()
    estimate_low = serializers.SerializerMethodField()
    estimate_high = serializers.SerializerMethodField()
    buy_now_amount = serializers.SerializerMethodField()
    has_reserve = serializers.SerializerMethodField()
    increments = serializers.SerializerMethodField(help_text="Steps by price: from this price on, this much more.")
    rules = serializers.SerializerMethodField(help_text="The rules in sentences.")
    images = ImageSerializer(many=True, read_only=True)
    result = serializers.SerializerMethodField()

    class Meta:
        model = Lot
        fields = (
            "id",
            "number",
            "position",
            "title",
            "description",
            "condition",
            "quantity",
            "status",
            "estimate_low",
            "estimate_high",
            "opening_amount",
            "buy_now_amount",
            "has_reserve",
            "increments",
            "duration_ms",
            "window_ms",
            "extension_ms",
            "extension_mode",
            "extension_cap",
            "rules",
            "images",
            "result",
        )
        read_only_fields = fields

    def get_opening_amount(self, lot: Lot) -> str:
        """Return the opening bid."""
        return format_amount(lot.opening_amount, lot.auction.currency.exponent)

    def get_estimate_low(self, lot: Lot) -> str | None:
        """Return the low estimate."""
        return _amount(lot, lot.estimate_low)

    def get_estimate_high(self, lot: Lot) -> str | None:
        """Return the high estimate."""
        return _amount(lot, lot.estimate_high)

    def get_buy_now_amount(self, lot: Lot) -> str | None:
        """Return the price at which a bid ends the lot."""
        return _amount(lot, lot.buy_now_amount)

    def get_has_reserve(self, lot: Lot) -> bool:
        """Say whether there is a reserve."""
        return lot.reserve_amount is not None

    def get_increments(self, lot: Lot) -> list[list[str]]:
        """Return the steps as pairs of decimal strings."""
        exponent = lot.auction.currency.exponent
        return [[format_amount(part, exponent) for part in step] for step in lot.increments]

    def get_rules(self, lot: Lot) -> list[str]:
        """Return the rules as sentences."""
        return rules_in_words(lot)

    @extend_schema_field(ResultSerializer(allow_null=True))
    def get_result(self, lot: Lot) -> ResultDict | None:
        """Return how the lot's last run ended, or null while there is no result."""
        runs: list[LotRun] = sorted(lot.runs.all(), key=lambda run: run.attempt)
        if not runs or not runs[-1].result:
            return None
        run = runs[-1]
        sold = run.result == LotResult.SOLD
        return ResultDict(
            result=run.result,
            reason=run.reason,
            amount=_amount(lot, run.hammer_amount) if sold else None,
            paddle=run.winner.paddle if sold and run.winner else None,
            provisional=run.finalized_at is None,
            closed_at_ms=run.closed_at_ms,
        )


class AuctionSerializer(serializers.ModelSerializer[Auction]):
    """An auction as lists show it."""

    currency = serializers.CharField(source="currency_code", read_only=True)
    organizer = OrganizerSerializer(read_only=True)
    cover_url = serializers.SerializerMethodField()
    lot_count = serializers.IntegerField(read_only=True)

    class Meta:
        model = Auction
        fields: tuple[str, ...] = (
            "id",
            "slug",
            "title",
            "status",
            "visibility",
            "organizer",
            "currency",
            "time_zone",
            "starts_at",
            "went_live_at",
            "ended_at",
            "cover_url",
            "buyer_premium_bp",
            "lot_count",
        )
        read_only_fields = fields

    def get_cover_url(self, auction: Auction) -> str | None:
        """Return the address of the cover."""
        return str(auction.cover.url) if auction.cover else None


def _amount(lot: Lot, minor: int | None) -> str | None:
    return None if minor is None else format_amount(minor, lot.auction.currency.exponent)
