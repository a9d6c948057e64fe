"""Everything that changes the live floor: keyword-only functions named `<entity>_<action>`.

Commands flow one way: database, commit, outbox, script. What the script decided comes back only through the
ledger. A refused bid is a value; a refused command raises `auctions.errors.Refused`.
"""

from bidding.services.bids import bid_place, bid_place_now, bid_status
from bidding.services.commands import commands_deliver
from bidding.services.desk import autopilot_set, bidder_ban, break_take, lot_move, lot_quick
from bidding.services.entering import bid_enter
from bidding.services.lots import (
    bid_void,
    lot_close,
    lot_close_current,
    lot_close_due,
    lot_extend,
    lot_hammer,
    lot_offer_again,
    lot_open,
    lot_open_next,
    lot_pause,
    lot_reopen,
    lot_resume,
    lot_resume_current,
    lot_sell_anyway,
    lot_warn,
    lot_withdraw,
    offer_void,
    rostrum_take,
)
from bidding.services.rebuilding import auction_rebuild, floor_check
from bidding.services.recordings import recordings_erase, recordings_sweep
from bidding.services.registrations import (
    registration_create,
    registration_enter,
    registration_set_status,
    registrations_follow_roles,
)
from bidding.services.rehearsals import (
    rehearsal_create,
    rehearsal_play,
    rehearsal_put_away,
    rehearsals_attend,
)
from bidding.services.run_of_show import lot_duplicate, lot_step
from bidding.services.shows import (
    auction_advance,
    auction_cancel,
    auction_end,
    auction_finish,
    auction_go_live,
    auction_schedule,
)
from bidding.services.streams import stream_event_take, stream_playback, stream_warning, streams_attend

__all__ = [
    "auction_advance",
    "auction_cancel",
    "auction_end",
    "auction_finish",
    "auction_go_live",
    "auction_rebuild",
    "auction_schedule",
    "autopilot_set",
    "bid_enter",
    "bid_place",
    "bid_place_now",
    "bid_status",
    "bid_void",
    "bidder_ban",
    "break_take",
    "commands_deliver",
    "floor_check",
    "lot_close",
    "lot_close_current",
    "lot_close_due",
    "lot_duplicate",
    "lot_extend",
    "lot_hammer",
    "lot_move",
    "lot_offer_again",
    "lot_open",
    "lot_open_next",
    "lot_pause",
    "lot_quick",
    "lot_reopen",
    "lot_resume",
    "lot_resume_current",
    "lot_sell_anyway",
    "lot_step",
    "lot_warn",
    "lot_withdraw",
    "offer_void",
    "recordings_erase",
    "recordings_sweep",
    "registration_create",
    "registration_enter",
    "registration_set_status",
    "registrations_follow_roles",
    "rehearsal_create",
    "rehearsal_play",
    "rehearsal_put_away",
    "rehearsals_attend",
    "rostrum_take",
    "stream_event_take",
    "stream_playback",
    "stream_warning",
    "streams_attend",
]
