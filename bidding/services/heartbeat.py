"""The heartbeat: what the clock tells a room every 5 s, so that a page that missed something notices."""

from bidding import protocol
from bidding.engine.outcomes import Pulse
from bidding.services.announcing import announce_signal_now


def heartbeat(auction_id: int, pulse: Pulse) -> None:
    """Send TIMER to a room; called every 5 s for each live auction."""
    is_open = pulse.lot_status == "open"
    announce_signal_now(
        auction_id,
        None,
        protocol.Timer(
            server_time_ms=pulse.now_ms,
            lot=pulse.lot_id if pulse.lot_status in ("open", "paused") else None,
            ends_at_ms=pulse.ends_at_ms if is_open else None,
            v=pulse.v,
            epoch=pulse.epoch,
        ),
    )
