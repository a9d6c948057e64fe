-- Says that the show takes a break; where lots open by themselves, the next one opens when it is over.
-- KEYS: 1 state, 2 log, 3 lot
-- ARGV: 1 token, 2 salt, 3 how long (ms), 4 actor ('' = clock), 5-9 the next lot: id, number, title, image, gap in ms
--       ('' = opened by hand)
-- Returns: token, ok | not_live | lot_open | not_on_rostrum | bad_argument, epoch, v, now, entries…
-- Emits: INTERVAL, LOT_NEXT
local token, salt, actor = ARGV[1], ARGV[2], ARGV[4]
--- @include floor
--- @include next_lot
if not known then return { token, 'missing' } end
if show_status ~= 'live' then return reply('not_live') end
local status = redis.call('HGET', KEYS[3], 'status')
if status == 'open' or status == 'paused' then return reply('lot_open') end
if not (is_whole(ARGV[3]) and is_whole_or_empty(actor) and is_next_lot(ARGV[5], ARGV[9])) then
  return reply('bad_argument')
end
local holder = redis.call('HGET', state_key, 'rostrum')
if actor ~= '' and holder and holder ~= '' and holder ~= actor then return reply('not_on_rostrum') end
local over = now + tonumber(ARGV[3])
emit('INTERVAL', '', '"until_ms":' .. whole(over), '{"actor":' .. (actor ~= '' and actor or 'null') .. '}')
commit(announce_next(ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9] ~= '' and over or nil))
return reply('ok')
