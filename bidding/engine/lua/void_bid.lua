-- Takes a bid back by staff: price and leader are decided anew from the remaining offers; the end stays.
-- KEYS: 1 state, 2 log, 3 lot, 4 offers, 5 recent
-- ARGV: 1 token, 2 salt, 3 lot, 4 version seen ('' = any), 5 actor ('' = clock), 6 the bid's version,
--       7 its registration, 8 reason (a code)
-- Returns: token, ok | not_live | wrong_lot | stale | not_on_rostrum | not_open | no_such_bid, epoch, v, now, entries…
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

local voided_v, voided_registration = tonumber(ARGV[6]), tonumber(ARGV[7])
local kept, voided, paddle = {}, false, nil
for _, json in ipairs(redis.call('LRANGE', KEYS[4], 0, -1)) do
  local offer = cjson.decode(json)
  if offer.v == voided_v and offer.registration == voided_registration then
    voided, paddle = true, offer.paddle
  else
    kept[#kept + 1] = { offer, json }
  end
end
if not voided then return reply('no_such_bid') end

lot.price, lot.leader, lot.paddle, lot.max = nil, nil, nil, nil
lot.bids = 0
redis.call('DEL', KEYS[4])
local counted_v
for _, row in ipairs(kept) do
  -- What counts as a bid is a version that moves price or leader; the pre-bids share the one of the opening.
  local price, leader = lot.price, lot.leader
  apply_offer(lot, row[1])
  if (lot.price ~= price or lot.leader ~= leader) and row[1].v ~= counted_v then
    lot.bids, counted_v = lot.bids + 1, row[1].v
  end
  redis.call('RPUSH', KEYS[4], row[2])
end
for _, json in ipairs(redis.call('LRANGE', KEYS[5], 0, -1)) do
  if cjson.decode(json).v == voided_v then redis.call('LREM', KEYS[5], 0, json) end
end

emit('BID_VOIDED', lot.run, '"lot":' .. whole(lot.id) .. ',"reason":' .. cjson.encode(ARGV[8])
  .. ',"voided_v":' .. whole(voided_v) .. ',"paddle":' .. whole(paddle)
  .. ',"current_amount":' .. amount_or_null(lot.price) .. ',"minimum_amount":"' .. money(minimum_of(lot))
  .. '","leader":' .. leader_or_null(lot.paddle) .. ',"bid_count":' .. whole(lot.bids)
  .. ',"reserve_met":' .. tostring(reserve_met(lot)),
  by_actor(',"registration":' .. whole(voided_registration) .. ',"leader":' .. whole_or_null(lot.leader)
    .. ',"max":' .. whole_or_null(lot.max)))
desk_commit('hammer_at', '', price_fields(lot))
return reply('ok')
