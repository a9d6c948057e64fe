-- Opens a lot under frozen rules and resolves its pre-bids. The lot before it becomes final.
-- KEYS: 1 state, 2 log, 3 lot, 4 offers, 5 recent, 6 runs, 7 catalogue, 8 pre-bids of this lot, 9 registrations
-- ARGV: 1 token, 2 salt, 3 lot, 4 run, 5 number, 6 title, 7 image, 8 opening, 9 reserve, 10 buy-now, 11 cap,
--       12 increments (JSON), 13 duration, 14 window, 15 extension, 16 mode, 17 most extensions,
--       18 version seen ('' = any), 19 actor ('' = clock), 20 what the keys of a bidder's own pre-bids begin with
--       (same hash tag as KEYS)
-- Returns: token, ok | not_live | lot_open | stale | already_closed | not_on_rostrum | bad_argument, epoch, v, now,
--          entries…; ok without entries where this run is open
-- Emits: LOT_OPENED
local token, salt = ARGV[1], ARGV[2]
--- @include floor
--- @include lot
--- @include offers
if not known then return { token, 'missing' } end
local lot_key = KEYS[3]
local current = load_whole_lot(lot_key)
local is_open = current and (current.status == 'open' or current.status == 'paused')
if is_open and current.run == ARGV[4] then return reply('ok') end
if show_status ~= 'live' then return reply('not_live') end
if is_open then return reply('lot_open') end
-- A tap on a picture from before the last lot closed, or was reopened. What is no number has seen nothing.
local seen_v = ARGV[18]
if seen_v ~= '' and not (is_whole(seen_v) and tonumber(seen_v) >= (current and current.desk_v or 0)) then
  return reply('stale')
end
local actor, holder = ARGV[19], redis.call('HGET', state_key, 'rostrum')
if actor ~= '' and holder and holder ~= '' and holder ~= actor then return reply('not_on_rostrum') end

local function are_rules()
  for _, place in ipairs({ 3, 4, 8, 13, 14, 15, 17 }) do
    if not is_whole(ARGV[place]) then return false end
  end
  for _, place in ipairs({ 9, 10, 11, 19 }) do
    if not is_whole_or_empty(ARGV[place]) then return false end
  end
  local is_json, steps = pcall(cjson.decode, ARGV[12])
  if not is_json or type(steps) ~= 'table' or type(steps[1]) ~= 'table' or steps[1][1] ~= 0 then return false end
  for _, row in ipairs(steps) do
    if type(row) ~= 'table' then return false end
    local from, step = row[1], row[2]
    if type(from) ~= 'number' or type(step) ~= 'number' or not (from >= 0 and from < 1e15 and step >= 1 and step < 1e15) then
      return false
    end
  end
  return ARGV[16] == 'add' or ARGV[16] == 'reset'
end
if not are_rules() then return reply('bad_argument') end

-- A caller whose database lags may not know that this run was sold already.
if redis.call('SADD', KEYS[6], ARGV[4]) == 0 then return reply('already_closed') end

redis.call('DEL', lot_key, KEYS[4], KEYS[5])
redis.call('HDEL', KEYS[7], ARGV[3])
local frozen = {
  id = tonumber(ARGV[3]), run = ARGV[4], number = ARGV[5], title = ARGV[6], image = ARGV[7],
  opening = tonumber(ARGV[8]), reserve = tonumber(ARGV[9]), cap = tonumber(ARGV[11]),
  increments = cjson.decode(ARGV[12]), window = tonumber(ARGV[14]), extension = tonumber(ARGV[15]), mode = ARGV[16],
  extensions_allowed = tonumber(ARGV[17]),
}
redis.call('HSET', lot_key, 'frozen', cmsgpack.pack(frozen), 'id', ARGV[3], 'run', ARGV[4], 'status', 'open',
  'buy_now', ARGV[10], 'ends', whole(now + tonumber(ARGV[13])), 'extensions_used', '0', 'bids', '0', 'closing', '0',
  'opened', whole(now), 'beat', whole(now), 'desk_v', whole(version + 1))
local lot = load_whole_lot(lot_key)

-- Pre-bids in the order in which they were given. Dropped are those of bidders who may not bid any more, and those
-- below an opening amount that was raised since.
local waiting, taken = {}, {}
for _, stored in ipairs(redis.call('HVALS', KEYS[8])) do
  local v, s, json = stored:match('^(%d+)%-(%d+) (.*)$')
  waiting[#waiting + 1] = { tonumber(v), tonumber(s), json:sub(1, -2) .. ',"place":[' .. v .. ',' .. s .. ']}' }
end
table.sort(waiting, function(a, b) return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2]) end)
for _, row in ipairs(waiting) do
  local offer = cjson.decode(row[3])
  redis.call('HDEL', ARGV[20] .. whole(offer.registration), ARGV[3])
  local _, status, _, barred = bidder_of(KEYS[9], offer.registration)
  if status == 'approved' and not barred and offer.maximum >= lot.opening then
    offer.place = table.concat(offer.place, ',')
    apply_offer(lot, offer)
    drop_buy_now(lot)
    taken[#taken + 1] = row[3]
    redis.call('RPUSH', KEYS[4], row[3])
  end
end
redis.call('DEL', KEYS[8])
-- What the room sees of the resolution is its outcome: who leads, at what price.
local bids, private_bids = {}, '[]'
if lot.leader then
  bids, private_bids =
    history_json({ { lot.paddle, lot.leader, lot.price, true, lot.place } }, whole(version + 1))
  redis.call('LPUSH', KEYS[5], bids[1])
  lot.bids = 1
end
redis.call('HSET', lot_key, price_fields(lot))

emit('LOT_OPENED', ARGV[4], '"lot":' .. lot_json(lot) .. ',"recent_bids":[' .. table.concat(bids, ',') .. ']',
  '{"reserve":' .. whole_or_null(lot.reserve) .. ',"cap":' .. whole_or_null(lot.cap)
  .. ',"buy_now":' .. (ARGV[10] ~= '' and ARGV[10] or 'null')
  .. ',"increments":' .. ARGV[12] .. ',"duration":' .. ARGV[13]
  .. ',"actor":' .. (actor ~= '' and actor or 'null')
  .. ',"pre_bids":[' .. table.concat(taken, ',') .. '],"leader":' .. whole_or_null(lot.leader)
  .. ',"max":' .. whole_or_null(lot.max) .. ',"bids":' .. private_bids .. '}')
commit('next', '', 'next_json', '', 'next_opens', '')
return reply('ok')
