-- Shared by the commands of the host's desk: each names the lot and the version that it was meant for.
-- Expects `lot`, and `lot_given`, `seen_v` ('' = any) and `actor` ('' = the clock) from the script's arguments.

-- Returns why the command must not take effect, or nil.
local function desk_refuses()
  if show_status ~= 'live' then return 'not_live' end
  if not lot or lot.id ~= tonumber(lot_given) then return 'wrong_lot' end
  -- A second tap, or a tap on what another desk has changed meanwhile. What is no number has seen nothing.
  if seen_v ~= '' and not (is_whole(seen_v) and tonumber(seen_v) >= (lot.desk_v or 0)) then return 'stale' end
  if not is_whole_or_empty(actor) then return 'bad_argument' end
  local holder = redis.call('HGET', state_key, 'rostrum')
  if actor ~= '' and holder and holder ~= '' and holder ~= actor then return 'not_on_rostrum' end
  return nil
end

-- Writes the lot's changed fields and remembers the version of this command.
local function desk_commit(...)
  redis.call('HSET', lot_key, 'desk_v', whole(version), ...)
  commit()
end

local function by_actor(more)
  return '{"actor":' .. (actor ~= '' and actor or 'null') .. (more or '') .. '}'
end
