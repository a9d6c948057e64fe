-- Says which lot comes next, where that changed, or whether it opens by itself.
-- KEYS: 1 state, 2 log
-- ARGV: 1 token, 2 salt, 3-7 the next lot: id, number, title, image, gap in ms ('' = opened by hand)
-- Returns: token, ok | not_live | bad_argument, epoch, v, now, entries…
-- Emits: LOT_NEXT
local token, salt = ARGV[1], ARGV[2]
--- @include floor
--- @include next_lot
if not known then return { token, 'missing' } end
if show_status ~= 'live' then return reply('not_live') end
if not is_next_lot(ARGV[3], ARGV[7]) then return reply('bad_argument') end
local gap = tonumber(ARGV[7])
local told = redis.call('HMGET', state_key, 'next', 'next_opens')
if told[1] == ARGV[3] and (told[2] and told[2] ~= '') == (gap ~= nil) then return reply('ok') end
commit(announce_next(ARGV[3], ARGV[4], ARGV[5], ARGV[6], gap and (now + gap)))
return reply('ok')
