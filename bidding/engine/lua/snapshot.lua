-- Reads the live state at one version, with what concerns one bidder.
-- KEYS: 1 state, 2 lot, 3 recent, 4 registrations, 5 own pre-bids, 6 catalogue
-- ARGV: 1 token, 2 registration (0 = nobody)
-- Returns: token, epoch, v, now, status, lot (JSON), next (JSON), recent bids (JSON each, newest first),
--          own: paddle, status, barred, leading, maximum, then lot and maximum of each pre-bid (empty list for
--          nobody); `missing`
-- Emits: nothing
local token = ARGV[1]
--- @include floor
--- @include lot
if not known then return { token, 'missing' } end
local lot = load_whole_lot(KEYS[2])
local own = {}
local paddle, status, _, barred = bidder_of(KEYS[4], ARGV[2])
if paddle then
  local leading = lot ~= nil and lot.leader == tonumber(ARGV[2])
  own = { whole(paddle), status, barred and '1' or '0', leading and '1' or '0',
    (leading and lot.max) and whole(lot.max) or '' }
  local pre_bids = redis.call('HGETALL', KEYS[5])
  for i = 1, #pre_bids, 2 do
    if redis.call('HEXISTS', KEYS[6], pre_bids[i]) == 1 then
      own[#own + 1] = pre_bids[i]
      own[#own + 1] = pre_bids[i + 1]
    end
  end
end
return { token, epoch, whole(version), whole(now), show_status, lot and lot_json(lot) or '',
  redis.call('HGET', state_key, 'next_json') or '', redis.call('LRANGE', KEYS[3], 0, 19), own }
