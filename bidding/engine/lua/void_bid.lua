-- Takes one offer of a bidder back by staff: price and leader are decided anew from the others; the end stays.
-- KEYS: 1 state, 2 log, 3 lot, 4 offers, 5 recent
-- ARGV: 1 token, 2 salt, 3 lot, 4 version seen ('' = any), 5 actor ('' = clock), 6 the bidder's registration,
--       7 the offer's place in the log: <v>,<s> ('' = the bidder's latest), 8 reason (a code)
-- Returns: token, ok | not_live | wrong_lot | stale | not_on_rostrum | not_open | no_such_bid |
--          bad_argument, epoch, v, now, entries…
-- Emits: BID_VOIDED
local token, salt, lot_given, seen_v, actor = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
--- @include floor
--- @include lot
--- @include offers
local lot_key = KEYS[3]
if not known then return { token, 'missing' } end
local lot = load_whole_lot(lot_key)
--- @include desk
local refusal = desk_refuses()
if refusal then return reply(refusal) end
if lot.status ~= 'open' and lot.status ~= 'paused' then return reply('not_open') end

local registration = tonumber(ARGV[6])
local offers, at = redis.call('LRANGE', KEYS[4], 0, -1), nil
for i, json in ipairs(offers) do
  local offer = cjson.decode(json)
  offer.v, offer.s = offer.place[1], offer.place[2]
  offer.place = whole(offer.v) .. ',' .. whole(offer.s)
  offers[i] = offer
  if offer.registration == registration and (ARGV[7] == '' or ARGV[7] == offer.place) then at = i end
end
if not at then return reply('no_such_bid') end
local voided = table.remove(offers, at)
redis.call('LSET', KEYS[4], at - 1, '')
redis.call('LREM', KEYS[4], 1, '')

lot.price, lot.leader, lot.paddle, lot.max, lot.place, lot.bids = nil, nil, nil, nil, nil, 0
local opening_counted, following = false, nil
for i, offer in ipairs(offers) do
  local price, leader = lot.price, lot.leader
  apply_offer(lot, offer)
  -- What counts as a bid is an offer that moves price or leader; those that were given before the opening count as one.
  local counts = (lot.price ~= price or lot.leader ~= leader) and not (offer.lot and opening_counted)
  if counts then lot.bids = lot.bids + 1 end
  opening_counted = opening_counted or offer.lot
  if i >= at and offer.registration == registration then following = following or offer end
end

-- Whether the room saw a bid of the history before an offer was given: a version begins with what is public.
local function is_before(bid, offer) return bid.v < offer.v or (bid.v == offer.v and offer.s > 0) end

-- From the history go the bids that the offer made, until its bidder's next one; those that answered it in the same
-- moment; and those above the price that remains.
local recent, newest = {}, nil
for _, json in ipairs(redis.call('LRANGE', KEYS[5], 0, -1)) do
  local bid = cjson.decode(json)
  local amount = tonumber((bid.amount:gsub('%.', '')))
  local made = bid.paddle == voided.paddle and not is_before(bid, voided)
    and (not following or is_before(bid, following))
  local answers = voided.s == 0 and bid.v == voided.v
  if not made and not answers and lot.price and amount <= lot.price then
    newest = newest or { bid.paddle, amount }
    recent[#recent + 1] = json
  end
end
-- Who leads is in the history at the price, as at an opening.
local private_bids = '[]'
if lot.leader and not (newest and newest[1] == lot.paddle and newest[2] == lot.price) then
  local bids
  bids, private_bids = history_json({ { lot.paddle, lot.leader, lot.price, true, lot.place } }, whole(version + 1))
  table.insert(recent, 1, bids[1])
end
redis.call('DEL', KEYS[5])
for _, json in ipairs(recent) do redis.call('RPUSH', KEYS[5], json) end

-- What the room never saw is not named to it.
local seen = voided.s == 0
emit('BID_VOIDED', lot.run, '"lot":' .. whole(lot.id) .. ',"reason":' .. cjson.encode(ARGV[8])
  .. ',"voided_v":' .. (seen and whole(voided.v) or 'null') .. ',"paddle":' .. (seen and whole(voided.paddle) or 'null')
  .. ',"current_amount":' .. amount_or_null(lot.price) .. ',"minimum_amount":"' .. money(minimum_of(lot))
  .. '","leader":' .. leader_or_null(lot.paddle) .. ',"bid_count":' .. whole(lot.bids)
  .. ',"reserve_met":' .. tostring(reserve_met(lot))
  .. ',"recent_bids":[' .. table.concat(recent, ',', 1, math.min(#recent, 20)) .. ']',
  by_actor(',"registration":' .. whole(registration) .. ',"place":[' .. voided.place .. '],"leader":'
    .. whole_or_null(lot.leader) .. ',"max":' .. whole_or_null(lot.max) .. ',"bids":' .. private_bids))
desk_commit('hammer_at', '', price_fields(lot))
return reply('ok')
