-- Tells the floor of a pending lot, so that it takes pre-bids, or that a lot is no longer offered.
-- KEYS: 1 state, 2 catalogue, 3 lot
-- ARGV: 1 token, 2 lot, 3 its opening amount, buy-now price and cap (JSON), '' where it is no longer offered
-- Returns: token, ok, epoch, v, now
-- Emits: nothing
local token = ARGV[1]
--- @include floor
if not known then return { token, 'missing' } end
-- A caller whose database lags may not know that this lot was opened.
if ARGV[3] == '' or redis.call('HGET', KEYS[3], 'id') == ARGV[2] then
  redis.call('HDEL', KEYS[2], ARGV[2])
else
  redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
end
return reply('ok')
