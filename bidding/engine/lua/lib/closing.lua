-- Shared by the scripts that can close the current lot: decide its result and write LOT_CLOSED.
-- Expects `lot_key` and `won_key`.

-- Sets the lot's result and emits it. `forced` is a result that the price does not decide (withdrawn).
local function close(lot, reason, forced)
  local result = forced
  if not result then
    if not lot.leader then
      result, reason = 'passed', 'no_bids'
    elseif not reserve_met(lot) then
      result, reason = 'passed', 'reserve_not_met'
    else
      result = 'sold'
    end
  end
  lot.result, lot.reason, lot.status = result, reason, result
  lot.closing = redis.call('HINCRBY', lot_key, 'closing', 1)
  local sold = result == 'sold'
  emit('LOT_CLOSED', lot.run,
    '"lot":' .. whole(lot.id) .. ',"result":"' .. result .. '","reason":"' .. reason .. '","amount":'
    .. (sold and amount_or_null(lot.price) or 'null') .. ',"winner":' .. (sold and leader_or_null(lot.paddle) or 'null')
    .. ',"closing_number":' .. whole(lot.closing) .. ',"provisional":true',
    '{"winner":' .. (sold and whole(lot.leader) or 'null') .. ',"hammer":' .. (sold and whole(lot.price) or 'null')
    .. ',"bids":' .. whole(lot.bids) .. ',"extensions":' .. whole(lot.extensions_used) .. '}')
  redis.call('HSET', lot_key, 'result', result, 'reason', reason, 'status', result, 'closed', whole(now))
  if sold then redis.call('HINCRBY', won_key, whole(lot.leader), whole(lot.price)) end
end
