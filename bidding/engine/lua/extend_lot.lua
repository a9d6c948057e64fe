-- Moves the end of the open lot by the host's hand; it counts against no cap.
-- KEYS: 1 state, 2 log, 3 lot
-- ARGV: 1 token, 2 salt, 3 lot, 4 version seen ('' = any), 5 actor ('' = clock), 6 how much (ms)
-- Returns: token, ok | not_live | wrong_lot | stale | not_on_rostrum | not_open | too_late |
--          bad_argument, epoch, v, now, entries…
-- Emits: LOT_EXTENDED (host)
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
local added = tonumber(ARGV[6])
emit('LOT_EXTENDED', lot.run, '"lot":' .. whole(lot.id) .. ',"reason":"host","ends_at_ms":' .. whole(lot.ends + added)
  .. ',"added_ms":' .. whole(added) .. ',"extensions":' .. extensions_json(lot), by_actor())
desk_commit('ends', whole(lot.ends + added), 'hammer_at', '')
return reply('ok')
