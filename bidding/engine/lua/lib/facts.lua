-- Shared by the scripts that know the current lot: its fields and its bidders as they are stored.

-- Returns the lot's fields as they are stored: enough to refuse most bids. What is frozen at the opening is one packed
-- field, because this runs for every bid.
local function read_lot(key)
  return redis.call('HMGET', key, 'id', 'status', 'ends', 'leader', 'minimum', 'max', 'buy_now', 'price', 'reason',
    'paddle', 'bids', 'extensions_used', 'hammer_at', 'frozen', 'place')
end

-- Returns paddle, status, spending limit (or nil) and whether the bidder works for the auction; nil for a stranger.
local function bidder_of(registrations_key, registration)
  local known_as = redis.call('HGET', registrations_key, registration)
  if not known_as then return nil end
  local paddle, status, limit, barred = known_as:match('^(%d+)|(%a+)|(%d*)|(%d)$')
  return tonumber(paddle), status, tonumber(limit), barred == '1'
end
