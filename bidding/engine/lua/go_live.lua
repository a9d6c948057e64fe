-- Begins the show.
-- KEYS: 1 state, 2 log
-- ARGV: 1 token, 2 salt, 3-7 the next lot: id, number, title, image, gap in ms ('' = opened by hand)
-- Returns: token, ok | not_scheduled | bad_argument, epoch, v, now, entries…; `missing` where nothing is known
-- Emits: AUCTION_LIVE, LOT_NEXT
local token, salt = ARGV[1], ARGV[2]
--- @include floor
--- @include next_lot
if not known then return { token, 'missing' } end
if show_status == 'live' then return reply('ok') end
if show_status ~= 'scheduled' then return reply('not_scheduled') end
if not is_next_lot(ARGV[3], ARGV[7]) then return reply('bad_argument') end
emit('AUCTION_LIVE', '', '')
local gap = tonumber(ARGV[7])
commit('status', 'live', announce_next(ARGV[3], ARGV[4], ARGV[5], ARGV[6], gap and (now + gap)))
return reply('ok')
