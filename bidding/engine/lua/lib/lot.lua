-- Shared by the scripts that know the current lot: its fields, its next minimum, and its JSON for the room.
--- @include facts

-- Returns the lot as far as a bid needs it, or nil where none was opened yet. Empty fields are absent.
local function lot_of(v)
  if not v[1] then return nil end
  local lot = cmsgpack.unpack(v[14])
  lot.status, lot.ends, lot.leader, lot.max = v[2], tonumber(v[3]), tonumber(v[4]), tonumber(v[6])
  lot.buy_now, lot.price, lot.reason, lot.paddle = tonumber(v[7]), tonumber(v[8]), v[9], tonumber(v[10])
  lot.bids, lot.extensions_used, lot.hammer_at = tonumber(v[11]), tonumber(v[12]), tonumber(v[13])
  lot.place = v[15] or nil
  return lot
end

-- Returns the lot with what only the desk, a closing and a reader need.
local function load_whole_lot(key)
  local lot = lot_of(read_lot(key))
  if not lot then return nil end
  local v = redis.call('HMGET', key, 'remaining', 'closing', 'result', 'desk_v', 'beat', 'pause_reason')
  lot.remaining, lot.closing, lot.desk_v, lot.beat = tonumber(v[1]), tonumber(v[2]), tonumber(v[4]), tonumber(v[5])
  lot.result = v[3] and v[3] ~= '' and v[3] or nil
  lot.pause_reason = v[6] or nil
  return lot
end

local function step_at(lot, price)
  local step
  for _, row in ipairs(lot.increments) do
    if row[1] > price then break end
    step = row[2]
  end
  return step
end

-- The least amount that the next bid must have. A buy-now price is always enough.
local function minimum_of(lot)
  local minimum = lot.price and (lot.price + step_at(lot, lot.price)) or lot.opening
  if lot.buy_now and lot.buy_now < minimum then return lot.buy_now end
  return minimum
end

local function reserve_met(lot)
  return (not lot.reserve) or (lot.price ~= nil and lot.price >= lot.reserve)
end

local function extensions_json(lot)
  return '{"used":' .. whole(lot.extensions_used) .. ',"allowed":' .. whole(lot.extensions_allowed) .. '}'
end

local function lot_json(lot)
  local closed = lot.result ~= nil
  return '{"id":' .. whole(lot.id)
    .. ',"run":' .. lot.run
    .. ',"number":' .. cjson.encode(lot.number)
    .. ',"title":' .. cjson.encode(lot.title)
    .. ',"image_url":' .. (lot.image ~= '' and cjson.encode(lot.image) or 'null')
    .. ',"status":"' .. lot.status
    .. '","opening_amount":"' .. money(lot.opening)
    .. '","current_amount":' .. amount_or_null(lot.price)
    .. ',"minimum_amount":"' .. money(minimum_of(lot))
    .. '","buy_now_amount":' .. amount_or_null(lot.buy_now)
    .. ',"leader":' .. leader_or_null(lot.paddle)
    .. ',"bid_count":' .. whole(lot.bids)
    .. ',"reserve_met":' .. tostring(reserve_met(lot))
    .. ',"has_reserve":' .. tostring(lot.reserve ~= nil)
    .. ',"ends_at_ms":' .. whole_or_null(lot.ends)
    .. ',"remaining_ms":' .. whole_or_null(lot.remaining)
    .. ',"pause_reason":' .. (lot.status == 'paused' and lot.pause_reason and cjson.encode(lot.pause_reason) or 'null')
    .. ',"extensions":' .. extensions_json(lot)
    .. ',"window_ms":' .. whole(lot.window)
    .. ',"extension_ms":' .. whole(lot.extension)
    .. ',"extension_mode":"' .. lot.mode
    .. '","result":' .. (closed and ('"' .. lot.result .. '"') or 'null')
    .. ',"reason":' .. (closed and ('"' .. lot.reason .. '"') or 'null')
    .. ',"winner":' .. (lot.result == 'sold' and leader_or_null(lot.paddle) or 'null')
    .. '}'
end
