"""Video behind one interface; `provider()` returns the one that the settings chose."""

from django.conf import settings

from auctions.models import StreamChannel
from auctions.streaming.base import StreamProvider
from auctions.streaming.ivs import IvsProvider
from auctions.streaming.local import LocalProvider

_PROVIDERS: dict[str, type[StreamProvider]] = {each.name: each for each in (IvsProvider, LocalProvider)}


def provider() -> StreamProvider:
    """Return the video provider of this installation."""
    return _PROVIDERS[settings.STREAM_PROVIDER]()


def provider_of(channel: StreamChannel) -> StreamProvider:
    """Return the provider that a channel belongs to, which may be another than the one that is chosen now."""
    return _PROVIDERS[channel.provider]()
