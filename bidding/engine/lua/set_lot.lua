-- Tells the floor of a pending lot, so that it takes pre-bids, or that a lot is no longer offered.
-- KEYS: 1 state, 2 catalogue, 3 lot
-- ARGV: 1 token, 2 lot, 3 its opening amount, buy-now price and cap (JSON), '' where it is no longer offered,
--       4 its last run that the caller knows to be over ('' = none)
-- Returns: token, ok | bad_argument, epoch, v, now
-- Emits: nothing
local token = ARGV[1]
--- @include floor
if not known then return { token, 'missing' } end
local current = redis.call('HMGET', KEYS[3], 'id', 'run', 'status')
local is_over = current[2] == ARGV[4] and current[3] ~= 'open' and current[3] ~= 'paused'
-- A caller whose database lags may not know that this lot was opened.
if ARGV[3] == '' or (current[1] == ARGV[2] and not is_over) then
  redis.call('HDEL', KEYS[2], ARGV[2])
else
  local is_json, facts = pcall(cjson.decode, ARGV[3])
  local function is_amount(value) return type(value) == 'number' and value >= 0 and value < 1e15 end
  local function is_amount_or_null(value) return value == nil or value == cjson.null or is_amount(value) end
  if not (is_json and type(facts) == 'table' and is_whole(ARGV[2]) and is_amount(facts.opening)
    and is_amount_or_null(facts.buy_now) and is_amount_or_null(facts.cap)) then
    return reply('bad_argument')
  end
  redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
end
return reply('ok')
