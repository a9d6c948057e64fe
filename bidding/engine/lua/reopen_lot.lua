-- Takes a provisional result back and lets the lot run again; possible until the next lot opens or the show ends.
-- KEYS: 1 state, 2 log, 3 lot, 4 won
-- ARGV: 1 token, 2 salt, 3 lot, 4 version seen ('' = any), 5 actor ('' = clock), 6 reason (a code; with
--       reserve_waived the lot has no reserve from then on)
-- Returns: token, ok | not_live | wrong_lot | stale | not_on_rostrum | not_closed | bad_argument,
--          epoch, v, now, entries…
-- Emits: LOT_REOPENED, LOT_NEXT
local token, salt, lot_given, seen_v, actor = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
--- @include floor
--- @include lot
--- @include next_lot
local lot_key = KEYS[3]
if not known then return { token, 'missing' } end
local lot = load_whole_lot(lot_key)
--- @include desk
local refusal = desk_refuses()
if refusal then return reply(refusal) end
if lot.status == 'open' or lot.status == 'paused' then return reply('not_closed') end
if lot.result == 'sold' then redis.call('HINCRBY', KEYS[4], whole(lot.leader), '-' .. whole(lot.price)) end
local ends = now + math.max(lot.window, 1000)
emit('LOT_REOPENED', lot.run, '"lot":' .. whole(lot.id) .. ',"reason":' .. cjson.encode(ARGV[6])
  .. ',"ends_at_ms":' .. whole(ends), by_actor())
if ARGV[6] == 'reserve_waived' then
  local frozen = cmsgpack.unpack(redis.call('HGET', lot_key, 'frozen'))
  frozen.reserve = nil
  redis.call('HSET', lot_key, 'frozen', cmsgpack.pack(frozen))
end
redis.call('HSET', lot_key, 'status', 'open', 'result', '', 'reason', '', 'ends', whole(ends), 'remaining', '',
  'closed', '', 'hammer_at', '', 'beat', whole(now), 'desk_v', whole(version))
commit(announce_next('', '', '', '', nil))
return reply('ok')
