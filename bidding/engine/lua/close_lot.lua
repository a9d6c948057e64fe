-- Closes the current lot: by time (harmless before it is due), by the host's hammer, or by withdrawing it.
-- KEYS: 1 state, 2 log, 3 lot, 4 won
-- ARGV: 1 token, 2 salt, 3 lot, 4 reason (time | hammer | withdrawn), 5-9 the next lot: id, number, title,
--       image, gap in ms ('' = opened by hand), 10 version seen ('' = any), 11 actor ('' = clock), 12 outage (ms)
-- Returns: token, ok | not_due | already_closed | wrong_lot | not_live | stale | not_on_rostrum | no_fair_warning |
--          too_early | bad_argument, epoch, v, now, entries…
-- Emits: LOT_CLOSED, LOT_NEXT; or LOT_EXTENDED (outage)
local token, salt = ARGV[1], ARGV[2]
--- @include floor
--- @include lot
local lot_key, won_key = KEYS[3], KEYS[4]
--- @include closing
--- @include next_lot
local lot_given, seen_v, actor = ARGV[3], ARGV[10], ARGV[11]
if not known then return { token, 'missing' } end
local lot = load_whole_lot(lot_key)
--- @include desk
local by_time, by_hammer = ARGV[4] == 'time', ARGV[4] == 'hammer'
if not (by_time or by_hammer or ARGV[4] == 'withdrawn') or not is_next_lot(ARGV[5], ARGV[9]) or not is_whole(ARGV[12]) then
  return reply('bad_argument')
end
if not lot or lot.id ~= tonumber(lot_given) then return reply('wrong_lot') end
if lot.status ~= 'open' and lot.status ~= 'paused' then return reply('already_closed') end

if by_time then
  if lot.status == 'paused' or now < lot.ends then return reply('not_due') end
  -- Nobody saw this lot run out: it gets one window more, for those who could not bid.
  if lot.ends - lot.beat > tonumber(ARGV[12]) then
    local ends = now + math.max(lot.window, 1000)
    emit('LOT_EXTENDED', lot.run, '"lot":' .. whole(lot.id) .. ',"reason":"outage","ends_at_ms":' .. whole(ends)
      .. ',"added_ms":' .. whole(ends - lot.ends) .. ',"extensions":' .. extensions_json(lot))
    desk_commit('ends', whole(ends), 'beat', whole(now))
    return reply('ok')
  end
else
  local refusal = desk_refuses()
  if refusal then return reply(refusal) end
  if by_hammer then
    if not lot.hammer_at then return reply('no_fair_warning') end
    if now < lot.hammer_at then return reply('too_early') end
  end
end

close(lot, ARGV[4], not (by_time or by_hammer) and 'withdrawn' or nil)
redis.call('HSET', lot_key, 'desk_v', whole(version))
local gap = tonumber(ARGV[9])
commit(announce_next(ARGV[5], ARGV[6], ARGV[7], ARGV[8], gap and (now + gap)))
return reply('ok')
