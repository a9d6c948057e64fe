-- Stops the clock of the open lot and keeps what was left.
-- KEYS: 1 state, 2 log, 3 lot
-- ARGV: 1 token, 2 salt, 3 lot, 4 version seen ('' = any), 5 actor ('' = clock), 6 reason (a code)
-- Returns: token, ok | not_live | wrong_lot | stale | not_on_rostrum | not_open | too_late |
--          bad_argument, epoch, v, now, entries…
-- Emits: LOT_PAUSED
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
local remaining = lot.ends - now
emit('LOT_PAUSED', lot.run, '"lot":' .. whole(lot.id) .. ',"reason":' .. cjson.encode(ARGV[6])
  .. ',"remaining_ms":' .. whole(remaining), by_actor())
desk_commit('status', 'paused', 'ends', '', 'remaining', whole(remaining), 'hammer_at', '', 'pause_reason', ARGV[6])
return reply('ok')
