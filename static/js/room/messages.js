/* The names of the wire, and nothing else. `bidding/protocol.py` is the truth; a test compares. */

export const SUBPROTOCOL = "auction.v1";
export const MAX_CHAT_CHARACTERS = 500;

export const Send = Object.freeze({
  BID: "BID",
  BID_STATUS: "BID_STATUS",
  RESUME: "RESUME",
  CHAT: "CHAT",
  PING: "PING",
});

export const Receive = Object.freeze({
  STATE: "STATE",
  RESUMED: "RESUMED",
  BID_ACCEPTED: "BID_ACCEPTED",
  BID_REJECTED: "BID_REJECTED",
  BID_UNKNOWN: "BID_UNKNOWN",
  CHAT_REJECTED: "CHAT_REJECTED",
  PONG: "PONG",
  ERROR: "ERROR",
  YOU: "YOU",
  TIMER: "TIMER",
  PARTICIPANTS: "PARTICIPANTS",
  CHAT: "CHAT",
  CHAT_REMOVED: "CHAT_REMOVED",
  CHAT_SETTINGS: "CHAT_SETTINGS",
  OUTBID: "OUTBID",
  NOTICE: "NOTICE",
  STREAM: "STREAM",
  LOG_HEAD: "LOG_HEAD",
});

export const Event = Object.freeze({
  AUCTION_LIVE: "AUCTION_LIVE",
  LOT_OPENED: "LOT_OPENED",
  HIGHEST_BID: "HIGHEST_BID",
  LOT_EXTENDED: "LOT_EXTENDED",
  LOT_PAUSED: "LOT_PAUSED",
  LOT_RESUMED: "LOT_RESUMED",
  FAIR_WARNING: "FAIR_WARNING",
  BID_VOIDED: "BID_VOIDED",
  RULES_CHANGED: "RULES_CHANGED",
  LOT_CLOSED: "LOT_CLOSED",
  LOT_REOPENED: "LOT_REOPENED",
  LOT_NEXT: "LOT_NEXT",
  CATALOGUE_CHANGED: "CATALOGUE_CHANGED",
  INTERVAL: "INTERVAL",
  REBUILT: "REBUILT",
  AUCTION_ENDED: "AUCTION_ENDED",
  AUCTION_CANCELLED: "AUCTION_CANCELLED",
});

export const Refusal = Object.freeze({
  SIGN_IN: "sign_in",
  NOT_REGISTERED: "not_registered",
  OWN_LOT: "own_lot",
  BANNED: "banned",
  NOT_OPEN: "not_open",
  WRONG_LOT: "wrong_lot",
  EXPIRED: "expired",
  OVER_LIMIT: "over_limit",
  PAUSED: "paused",
  TOO_LATE: "too_late",
  TOO_LOW: "too_low",
  TOO_HIGH: "too_high",
  BAD_AMOUNT: "bad_amount",
  ALREADY_LEADING: "already_leading",
  ID_REUSED: "id_reused",
  RATE_LIMITED: "rate_limited",
  UNAVAILABLE: "unavailable",
});

export const Pause = Object.freeze({
  STREAM_LOST: "stream_lost",
  REBUILT: "rebuilt",
});

/** The reason of a lot that was reopened to be sold without its reserve. */
export const RESERVE_WAIVED = "reserve_waived";

export const Close = Object.freeze({
  SIGNED_OUT: 4401,
  FORBIDDEN: 4403,
  NOT_FOUND: 4404,
  TOO_SLOW: 4408,
  TAKEN: 4409,
  OVER: 4410,
  TOO_MANY: 4429,
  NOT_NOW: 4503,
  TOO_LARGE: 1009,
});
