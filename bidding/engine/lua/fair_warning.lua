-- Warns that the hammer may fall: not before some seconds, because remote bidders hear the host late.
-- KEYS: 1 state, 2 log, 3 lot
-- ARGV: 1 token, 2 salt, 3 lot, 4 version seen ('' = any), 5 actor ('' = clock), 6 the least time that is given (ms)
-- Returns: token, ok | not_live | wrong_lot | stale | not_on_rostrum | not_open | too_late |
--          bad_argument, epoch, v, now, entries…
-- Emits: FAIR_WARNING
local token, salt, lot_given, seen_v, actor = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
--- @include floor
--- @include lot
local lot_key = KEYS[3]
if not known then return { token, 'missing' } end
local lot = load_whole_lot(lot_key)
--- @include desk
local refusal = desk_refuses()
if refusal then return reply(refusal) end
if lot.status ~= 'open' then return reply('not_open') end
if now >= lot.ends then return reply('too_late') end
if not is_whole(ARGV[6]) then return reply('bad_argument') end
local earliest = now + tonumber(ARGV[6])
local ends = math.max(lot.ends, earliest)
emit('FAIR_WARNING', lot.run, '"lot":' .. whole(lot.id) .. ',"ends_at_ms":' .. whole(ends)
  .. ',"hammer_at_ms":' .. whole(earliest), by_actor())
desk_commit('ends', whole(ends), 'hammer_at', whole(earliest))
return reply('ok')
