"""The catalogue and the outcome, one file a subject.

Keys to bids, sales and people are PROTECT: what was offered, sold or signed is withdrawn or archived, never
deleted. Money is a whole number of the auction currency's minor units everywhere.
"""

from auctions.models.auction import (
    Auction,
    AuctionModerator,
    AuctionStatus,
    EntryRequirement,
    Invitation,
    StreamChannel,
    TermsVersion,
    Visibility,
)
from auctions.models.lot import (
    Category,
    Consignor,
    ExtensionMode,
    Lot,
    LotImage,
    LotResult,
    LotRun,
    LotStatus,
    ShippingProfile,
    TaxRule,
    Upload,
    UploadStatus,
)
from auctions.models.outbox import CommandKind, FloorCommand
from auctions.models.registration import Registration, RegistrationKind, RegistrationStatus
from auctions.models.sale import (
    Invoice,
    InvoiceKind,
    Offer,
    OfferAnswer,
    OfferKind,
    Order,
    OrderLine,
    OrderLineKind,
    OrderStatus,
    Payment,
    Refund,
    Sale,
    SaleStatus,
)
from auctions.models.video import StreamRecording, ViewerRevocation

__all__ = [
    "Auction",
    "AuctionModerator",
    "AuctionStatus",
    "Category",
    "CommandKind",
    "Consignor",
    "EntryRequirement",
    "ExtensionMode",
    "FloorCommand",
    "Invitation",
    "Invoice",
    "InvoiceKind",
    "Lot",
    "LotImage",
    "LotResult",
    "LotRun",
    "LotStatus",
    "Offer",
    "OfferAnswer",
    "OfferKind",
    "Order",
    "OrderLine",
    "OrderLineKind",
    "OrderStatus",
    "Payment",
    "Refund",
    "Registration",
    "RegistrationKind",
    "RegistrationStatus",
    "Sale",
    "SaleStatus",
    "ShippingProfile",
    "StreamChannel",
    "StreamRecording",
    "TaxRule",
    "TermsVersion",
    "Upload",
    "UploadStatus",
    "ViewerRevocation",
    "Visibility",
]
