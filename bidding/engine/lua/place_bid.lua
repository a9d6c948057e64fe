-- Decides one bid. This script is the lock around a bid: Redis runs it alone, nothing can come between its
-- check and its write, and nobody can die holding it.
-- KEYS: 1 state, 2 log, 3 lot, 4 offers, 5 recent, 6 refusals, 7 tombstone, 8 registrations, 9 answers,
--       10 answer ids, 11 won, 12 catalogue, 13 pre-bids of the lot that is given, 14 own pre-bids
-- ARGV: 1 token, 2 salt, 3 registration, 4 bid id ('' = none), 5 lot ('' = the open one), 6 amount (minor units),
--       7 kind (bid | max), 8 not after (ms, ''), 9 time of the refusal that is confirmed (ms, ''), 10 channel,
--       11 entered by (user, ''), 12 answers remembered, 13 refusals kept, 14 how long a confirmation holds (ms)
-- Returns: token, new | repeat, epoch, answer (JSON), entries…; `missing` where nothing is known
-- Emits: HIGHEST_BID, LOT_EXTENDED, LOT_CLOSED; MAX_RAISED and PRE_BID privately
-- Most bids of a busy lot are refused: what only an accepted one needs is prepared after that is certain.
local token, salt = ARGV[1], ARGV[2]
--- @include state
--- @include facts
local lot_key, won_key, registrations_key = KEYS[3], KEYS[11], KEYS[8]

local bid_id, lot_given, kind = ARGV[4], ARGV[5], ARGV[7] == 'max' and 'max' or 'bid'
local fingerprint = kind .. ' ' .. ARGV[6] .. ' ' .. lot_given

if bid_id ~= '' then
  local stored = redis.call('HGET', KEYS[9], bid_id)
  if stored then
    local before, answer = stored:match('^([^\n]*)\n(.*)$')
    if before == fingerprint then return { token, 'repeat', epoch or '', answer } end
    return { token, 'repeat', epoch or '', '{"code":"id_reused","v":' .. whole(version) .. ',"at":' .. now_text .. '}' }
  end
end
if not known then
  if redis.call('EXISTS', KEYS[7]) == 1 then
    return { token, 'new', '', '{"code":"not_open","v":0,"at":' .. now_text .. '}' }
  end
  return { token, 'missing' }
end

-- `tonumber` alone would take "nan", "1e5" and "0x10".
if not ARGV[6]:find('^[1-9]%d*$') or #ARGV[6] > 14 or tonumber(ARGV[6]) > 1e13 then
  return { token, 'new', epoch, '{"code":"bad_amount","v":' .. whole(version) .. ',"at":' .. now_text .. '}' }
end
local amount, most_remembered = tonumber(ARGV[6]), ARGV[12] + 0
local facts = read_lot(lot_key)
local lot_id, lot_status, ends, leader, minimum, leader_max, buy_now, price, reason = unpack(facts, 1, 9)
ends, buy_now = tonumber(ends), tonumber(buy_now)

-- Keeps the answer for a repeat of the same id, with what was asked.
local function remember(asked_and_answer)
  if bid_id == '' then return end
  redis.call('HSET', KEYS[9], bid_id, asked_and_answer)
  if redis.call('RPUSH', KEYS[10], bid_id) > most_remembered then
    redis.call('HDEL', KEYS[9], redis.call('LPOP', KEYS[10]))
  end
end

-- A refusal changes nothing but the memory of it: no version, no price, no end.
local function refuse(code, least, late)
  local of_lot = lot_id
  if lot_given:find('^[1-9]%d*$') then of_lot = lot_given end
  local answer = '{"code":"' .. code .. '","v":' .. whole(version) .. ',"epoch":"' .. epoch .. '","at":' .. now_text
    .. ',"amount":' .. ARGV[6] .. ',"kind":"' .. kind .. '"' .. (of_lot and (',"lot":' .. of_lot) or '')
    .. ((price and price ~= '') and (',"price":' .. price) or '')
    .. (least and (',"minimum":' .. whole(least)) or '')
    .. (late and (',"late":' .. whole(late)) or '') .. '}'
  local asked_and_answer = fingerprint .. '\n' .. answer
  redis.call('XADD', KEYS[6], 'MAXLEN', '~', ARGV[13], '*', 'registration', ARGV[3], 'id', bid_id,
    'answer', asked_and_answer)
  remember(asked_and_answer)
  -- Once a bid came too late, a clock that steps back must not let the next one in.
  if late then redis.call('HSET', state_key, 'time', now_text) end
  return { token, 'new', epoch, answer }
end

local not_after = tonumber(ARGV[8])
if not_after and now > not_after then return refuse('expired') end

-- Which lot is meant: the current one, or a pending one that takes pre-bids. A lot that is over may be pending again.
local coming
local is_current = lot_given == lot_id
if lot_given ~= '' and not (is_current and (kind ~= 'max' or lot_status == 'open' or lot_status == 'paused')) then
  coming = redis.call('HGET', KEYS[12], lot_given)
end
if coming then
  if show_status ~= 'live' and show_status ~= 'scheduled' then return refuse('wrong_lot') end
  if kind ~= 'max' then return refuse('not_open') end
elseif lot_given ~= '' and not is_current then
  return refuse('wrong_lot')
else
  if not lot_id or show_status ~= 'live' then return refuse('not_open') end
  if lot_status == 'paused' then return refuse('paused') end
  if lot_status ~= 'open' then
    if ends and (reason == 'time' or reason == 'no_bids' or reason == 'reserve_not_met') then
      return refuse('too_late', nil, math.max(now - ends, 0))
    end
    return refuse('not_open')
  end
  if now >= ends then return refuse('too_late', nil, now - ends) end
end

local paddle, status, limit, barred = bidder_of(registrations_key, ARGV[3])
if barred then return refuse('own_lot') end
if status == 'banned' then return refuse('banned') end
if status ~= 'approved' then return refuse('not_registered') end

-- A maximum stays below a buy-now price: only a plain bid may end the lot, and whoever offers more than that price
-- pays it and is bound to no more.
local leads, offered, buys = leader == ARGV[3], amount, false
if not coming then
  if leads and kind == 'bid' then return refuse('already_leading') end
  if buy_now and amount >= buy_now then
    buys = kind == 'bid'
    offered = buys and buy_now or buy_now - 1
  end
  minimum = leads and leader_max + 1 or tonumber(minimum)
  if offered < minimum then return refuse('too_low', minimum) end
end

--- @include writing
--- @include lot
--- @include offers
--- @include closing
local lot, registration, confirmed_at = lot_of(facts), tonumber(ARGV[3]), tonumber(ARGV[9])

-- What the bidder is bound to already: lots won, and maxima left on other lots that are still to come.
local function bound_elsewhere()
  local sum = tonumber(redis.call('HGET', won_key, ARGV[3]) or 0)
  local own = redis.call('HGETALL', KEYS[14])
  for i = 1, #own, 2 do
    if own[i] ~= lot_given and redis.call('HEXISTS', KEYS[12], own[i]) == 1 then sum = sum + tonumber(own[i + 1]) end
  end
  if coming and lot and lot.leader == registration and (lot.status == 'open' or lot.status == 'paused') then
    sum = sum + lot.max
  end
  return sum
end

local function jumps(reference, cap)
  local confirmed = confirmed_at and now - confirmed_at <= tonumber(ARGV[14])
  return not confirmed and (amount > 10 * reference or (cap and amount > cap))
end

local offer_json = '{"registration":' .. ARGV[3] .. ',"paddle":' .. whole(paddle) .. ',"kind":"' .. kind
  .. '","amount":' .. ARGV[6] .. ',"id":' .. quoted(bid_id) .. ',"channel":' .. quoted(ARGV[10])
  .. ',"entered_by":' .. (ARGV[11]:find('^[1-9]%d*$') and ARGV[11] or 'null') .. ',"asked":"' .. fingerprint .. '"'

local function accepted(of_lot, at_version, standing, lot_ends, taken)
  local asked = kind == 'max'
  return '{"code":"ok","lot":' .. of_lot .. ',"amount":' .. (asked and ARGV[6] or whole(taken)) .. ',"v":' .. at_version
    .. ',"epoch":"' .. epoch .. '","standing":"' .. standing .. '","ends":' .. whole_or_null(lot_ends) .. ',"at":' .. now_text
    .. (asked and (',"max":' .. whole(taken)) or '') .. '}'
end

local function accept(answer)
  remember(fingerprint .. '\n' .. answer)
  return { token, 'new', epoch, answer, unpack(entries) }
end

if coming then
  local rules = cjson.decode(coming)
  local before = tonumber(redis.call('HGET', KEYS[14], lot_given) or 0)
  local limit_of_maxima = rules.buy_now ~= cjson.null and rules.buy_now
  offered = (limit_of_maxima and amount >= limit_of_maxima) and limit_of_maxima - 1 or amount
  minimum = math.max(rules.opening, before + 1)
  if offered < minimum then return refuse('too_low', minimum) end
  if jumps(rules.opening, rules.cap ~= cjson.null and rules.cap) then return refuse('too_high', minimum) end
  if limit and bound_elsewhere() + offered > limit then return refuse('over_limit') end
  local answer = accepted(lot_given, whole(version), 'pre_bid', nil, offered)
  offer_json = offer_json .. ',"maximum":' .. whole(offered) .. ',"lot":' .. lot_given .. '}'
  emit_private('PRE_BID', '', offer_json:sub(1, -2) .. ',"answer":' .. answer .. '}')
  redis.call('HSET', KEYS[14], lot_given, whole(offered))
  -- A raised pre-bid is a new offer: it stands behind those that came before it.
  redis.call('HSET', KEYS[13], ARGV[3], whole(version) .. '-' .. whole(private_version) .. ' ' .. offer_json)
  commit()
  return accept(answer)
end

if jumps(lot.price or lot.opening, lot.cap) then return refuse('too_high', minimum) end
if limit and bound_elsewhere() + offered > limit then return refuse('over_limit') end

-- The bid counts. What it does to price and leader:
offer_json = offer_json .. ',"maximum":' .. whole(offered)
local price_before, leader_before = lot.price, lot.leader
local place = whole(version + 1) .. ',0'
local history =
  apply_offer(lot, { registration = registration, paddle = paddle, kind = kind, maximum = offered, place = place })

local run = lot.run
local standing = lot.leader == registration and 'leading' or 'outbid'
local decided_at, answer
if lot.price ~= price_before or lot.leader ~= leader_before then
  lot.bids = lot.bids + 1
  drop_buy_now(lot)
  local used_before, ends_before = lot.extensions_used, lot.ends
  if not buys and lot.extensions_used < lot.extensions_allowed and now >= lot.ends - lot.window then
    lot.ends = lot.mode == 'reset' and math.max(lot.ends, now + lot.extension) or lot.ends + lot.extension
    if lot.ends > ends_before then
      lot.extensions_used = lot.extensions_used + 1
      redis.call('HSET', lot_key, 'ends', whole(lot.ends), 'extensions_used', whole(lot.extensions_used))
    end
  end

  decided_at = whole(version + 1)
  answer = accepted(lot_id, decided_at, standing, lot.ends, offered)
  local bids, private_bids = history_json(history, decided_at)
  for _, bid in ipairs(bids) do redis.call('LPUSH', KEYS[5], bid) end
  emit('HIGHEST_BID', run,
    '"from_v":' .. decided_at .. ',"lot":' .. lot_id .. ',"current_amount":"' .. money(lot.price)
      .. '","minimum_amount":"' .. money(minimum_of(lot)) .. '","buy_now_amount":' .. amount_or_null(lot.buy_now)
      .. ',"leader":{"paddle":' .. whole(lot.paddle) .. '},"bid_count":' .. whole(lot.bids)
      .. ',"reserve_met":' .. tostring(reserve_met(lot)) .. ',"ends_at_ms":' .. whole(lot.ends)
      .. ',"bids":[' .. table.concat(bids, ',') .. ']',
    offer_json .. ',"leader":' .. whole(lot.leader) .. ',"max":' .. whole(lot.max) .. ',"bids":' .. private_bids
      .. ',"answer":' .. answer .. '}')
  if lot.extensions_used > used_before then
    emit('LOT_EXTENDED', run,
      '"lot":' .. lot_id .. ',"reason":"bid","ends_at_ms":' .. whole(lot.ends)
      .. ',"added_ms":' .. whole(lot.ends - ends_before) .. ',"extensions":' .. extensions_json(lot))
  end
  -- The host warned before this bid was heard, so the hammer needs a new warning.
  if lot.hammer_at then redis.call('HSET', lot_key, 'hammer_at', '') end
else
  decided_at = whole(version)
  answer = accepted(lot_id, decided_at, standing, lot.ends, offered)
  emit_private('MAX_RAISED', run, offer_json .. ',"leader":' .. whole(lot.leader) .. ',"max":' .. whole(lot.max)
    .. ',"answer":' .. answer .. '}')
  place = whole(version) .. ',' .. whole(private_version)
  lot.place = place
end

redis.call('HSET', lot_key, price_fields(lot))
redis.call('RPUSH', KEYS[4], offer_json .. ',"place":[' .. place .. ']}')
if buys then close(lot, 'buy_now') end
commit()
return accept(answer)
