-- Writes an auction's live state anew from what the database holds, under a new epoch, where Redis lost it or went back.
-- KEYS: 1 state, 2 log, 3 lot, 4 offers, 5 recent, 6 runs, 7 registrations, 8 catalogue, 9 won, 10 tombstone
-- ARGV: 1 token, 2 salt, 3 epoch, 4 exponent, 5 stored version, 6 stored sub-number, 7 status, 8 latest known time (ms),
--       9 the place of what is written over: <v>,<s> ('' = nothing is known), 10 the rest (JSON): frozen (the lot's rules, or null), lot, registrations, catalogue, won (objects of texts), offers, recent, runs (lists of texts)
-- Returns: token, ok | not_missing | over | bad_argument, epoch, v, now, entries…
-- Emits: REBUILT
local token, salt = ARGV[1], ARGV[2]
--- @include floor
--- @include lot
if redis.call('EXISTS', KEYS[10]) == 1 then return { token, 'over', '', '0', whole(now) } end
local is_json, rest = pcall(cjson.decode, ARGV[10])
local function is_usable()
  if not (is_json and type(rest) == 'table' and rest.frozen ~= nil) then return false end
  for _, part in ipairs({ 'lot', 'registrations', 'catalogue', 'won', 'offers', 'recent', 'runs' }) do
    if type(rest[part]) ~= 'table' then return false end
  end
  return ARGV[3]:find('^%w+$') and ARGV[4]:find('^[0-4]$') and is_whole(ARGV[5]) and is_whole(ARGV[6])
    and (ARGV[7] == 'scheduled' or ARGV[7] == 'live') and is_whole(ARGV[8])
end
if not is_usable() then return { token, 'bad_argument', epoch or '', whole(version), now_text } end
local place = known and (whole(version) .. ',' .. whole(private_version)) or ''
if place ~= ARGV[9] then return reply('not_missing') end

redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9])
epoch, version, private_version = ARGV[3], tonumber(ARGV[5]), tonumber(ARGV[6])
-- The server may be another one, with a clock that is behind.
now = math.max(now, tonumber(ARGV[8]))
now_text = whole(now)
redis.call('HSET', state_key, 'epoch', epoch, 'status', ARGV[7], 'exponent', ARGV[4])

if rest.frozen ~= cjson.null then redis.call('HSET', KEYS[3], 'frozen', cmsgpack.pack(rest.frozen)) end
for key, object in pairs({ [KEYS[3]] = rest.lot, [KEYS[7]] = rest.registrations, [KEYS[8]] = rest.catalogue,
  [KEYS[9]] = rest.won }) do
  for field, value in pairs(object) do redis.call('HSET', key, field, value) end
end
local lot = lot_of(read_lot(KEYS[3]))
if lot then redis.call('HSET', KEYS[3], 'minimum', whole(minimum_of(lot))) end
for _, offer in ipairs(rest.offers) do redis.call('RPUSH', KEYS[4], offer) end
for _, bid in ipairs(rest.recent) do redis.call('RPUSH', KEYS[5], bid) end
for _, run in ipairs(rest.runs) do redis.call('SADD', KEYS[6], run) end

emit('REBUILT', rest.lot.run or '', '')
commit()
return reply('ok')
