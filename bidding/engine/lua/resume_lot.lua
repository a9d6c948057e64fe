-- Lets the clock of a paused lot run again, with at least the lot's window left.
-- KEYS: 1 state, 2 log, 3 lot
-- ARGV: 1 token, 2 salt, 3 lot, 4 version seen ('' = any), 5 actor ('' = clock)
-- Returns: token, ok | not_live | wrong_lot | stale | not_on_rostrum | not_paused | bad_argument,
--          epoch, v, now, entries…
-- Emits: LOT_RESUMED
local token, salt, lot_given, seen_v, actor = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
--- @include floor
--- @include lot
local lot_key = KEYS[3]
if not known then return { token, 'missing' } end
local lot = load_whole_lot(lot_key)
--- @include desk
local refusal = desk_refuses()
if refusal then return reply(refusal) end
if lot.status ~= 'paused' then return reply('not_paused') end
local ends = now + math.max(lot.remaining, lot.window)
emit('LOT_RESUMED', lot.run, '"lot":' .. whole(lot.id) .. ',"ends_at_ms":' .. whole(ends), by_actor())
desk_commit('status', 'open', 'ends', whole(ends), 'remaining', '', 'beat', whole(now))
return reply('ok')
