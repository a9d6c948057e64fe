-- Shared by the scripts that resolve offers: what one offer does to price and leader.
-- An offer is { registration, paddle, kind = bid | max, maximum, place }; a plain bid's maximum is its amount. Its
-- place in the log names it: "<v>,<s>", s being 0 where the room saw it.

-- Applies an offer to the lot and returns the history that it makes: { paddle, registration, amount, automatic, place
-- of the offer behind it } each.
-- Of equal maxima the earlier wins. A plain bid pays its amount; a maximum pays one increment above the second.
local function apply_offer(lot, offer)
  local history, price_before = {}, lot.price
  local function add(paddle, registration, amount, automatic, place)
    history[#history + 1] = { paddle, registration, amount, automatic, place }
  end
  local leads = lot.leader == offer.registration

  if lot.leader and not leads and offer.maximum <= lot.max then
    add(offer.paddle, offer.registration, offer.maximum, offer.kind == 'max', offer.place)
    lot.price = math.max(lot.price, math.min(lot.max, offer.maximum + step_at(lot, offer.maximum)))
    add(lot.paddle, lot.leader, lot.price, true, lot.place)
    return history
  end

  local second = not leads and lot.leader and lot.max
  if second and second > lot.price then add(lot.paddle, lot.leader, second, true, lot.place) end
  if offer.kind == 'bid' then
    lot.price = math.max(lot.price or 0, offer.maximum)
  elseif not leads then
    lot.price = second and math.min(offer.maximum, second + step_at(lot, second)) or lot.opening
  end
  lot.leader, lot.paddle, lot.max = offer.registration, offer.paddle, math.max(offer.maximum, leads and lot.max or 0)
  lot.place = offer.place
  -- The first maximum at or above the reserve lifts the price to it.
  if lot.reserve and lot.price < lot.reserve and lot.max >= lot.reserve then lot.price = lot.reserve end
  if not leads or lot.price ~= price_before then
    add(offer.paddle, offer.registration, lot.price, offer.kind == 'max', offer.place)
  end
  return history
end

-- A buy-now price goes when the price reaches the reserve, or with the first bid where there is none; only ever with
-- something that the room sees, because the room is told by that.
local function drop_buy_now(lot)
  if lot.buy_now and lot.price and lot.price >= (lot.reserve or 0) then lot.buy_now = nil end
end

local function price_fields(lot)
  return 'price', lot.price and whole(lot.price) or '', 'leader', lot.leader and whole(lot.leader) or '',
    'paddle', lot.paddle and whole(lot.paddle) or '', 'max', lot.max and whole(lot.max) or '', 'place', lot.place or '',
    'bids', whole(lot.bids), 'buy_now', lot.buy_now and whole(lot.buy_now) or '', 'minimum', whole(minimum_of(lot))
end

-- Returns the history as the room sees it (JSON each) and as the log keeps it privately (one JSON array).
local function history_json(history, v)
  local public, private = {}, {}
  for i, bid in ipairs(history) do
    local automatic = bid[4] and 'true' or 'false'
    public[i] = '{"v":' .. v .. ',"amount":"' .. money(bid[3]) .. '","paddle":' .. whole(bid[1])
      .. ',"automatic":' .. automatic .. ',"at_ms":' .. now_text .. '}'
    private[i] = '[' .. whole(bid[2]) .. ',' .. whole(bid[3]) .. ',' .. automatic .. ',' .. bid[5] .. ']'
  end
  return public, '[' .. table.concat(private, ',') .. ']'
end
