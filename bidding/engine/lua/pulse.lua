-- Reads what the clock needs, and notes on the open lot that somebody was there to see it run.
-- KEYS: 1 state, 2 lot
-- ARGV: 1 token
-- Returns: token, epoch, v, now, status, lot, lot's status, its end, when it closed, next lot, when that opens,
--          who is on the rostrum; `missing`
-- Emits: nothing
local token = ARGV[1]
--- @include floor
if not known then return { token, 'missing' } end
local lot = redis.call('HMGET', KEYS[2], 'id', 'status', 'ends', 'closed')
if lot[2] == 'open' and now < tonumber(lot[3]) then redis.call('HSET', KEYS[2], 'beat', whole(now)) end
local coming = redis.call('HMGET', state_key, 'next', 'next_opens', 'rostrum')
return { token, epoch, whole(version), whole(now), show_status, lot[1] or '', lot[2] or '', lot[3] or '', lot[4] or '',
  coming[1] or '', coming[2] or '', coming[3] or '' }
