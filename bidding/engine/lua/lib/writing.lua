-- Shared by every script that changes an auction: amounts as text, and the log.
-- Expects `state`; where `emit` is used KEYS[2] = log, and `token` and `salt` set by the script.

local log_key, entries = KEYS[2], {}

-- What came from outside is looked at before anything is written: a script that fails half-way is not taken back.
-- `tonumber` alone would take "nan", "1e5" and "0x10", and JSON takes no "01".
local function is_whole(text) return text == '0' or (text:find('^[1-9]%d*$') ~= nil and #text < 16) end
local function is_whole_or_empty(text) return text == '' or is_whole(text) end

-- JSON text of a string; ids and codes need no escaping, and the encoder is slow to start.
local function quoted(text)
  if text:find('^[%w_-]*$') then return '"' .. text .. '"' end
  return cjson.encode(text)
end

local function money(minor)
  local digits = whole(minor)
  if exponent == 0 then return digits end
  if #digits <= exponent then digits = string.rep('0', exponent + 1 - #digits) .. digits end
  return digits:sub(1, -exponent - 1) .. '.' .. digits:sub(-exponent)
end

local function amount_or_null(minor) return minor and ('"' .. money(minor) .. '"') or 'null' end
local function whole_or_null(number) return number and whole(number) or 'null' end
local function leader_or_null(paddle) return paddle and ('{"paddle":' .. paddle .. '}') or 'null' end

-- Appends a public entry under the next version. `fields` is JSON text without braces, `private` a JSON object.
local function emit(kind, run, fields, private)
  version, private_version = version + 1, 0
  local v = whole(version)
  local public = '{"type":"' .. kind .. '","v":' .. v .. ',"epoch":"' .. epoch .. '","at_ms":' .. now_text
    .. (fields ~= '' and ',' or '') .. fields .. '}'
  redis.call('XADD', log_key, v .. '-0', 'kind', kind, 'run', run or '', 'at', now_text, 'epoch', epoch,
    'public', public, 'private', private or '{}', 'salt', salt)
  entries[#entries + 1] = v
  entries[#entries + 1] = public
end

-- Appends an entry that the room never sees, at the last public version and the next sub-number.
local function emit_private(kind, run, private)
  private_version = private_version + 1
  redis.call('XADD', log_key, whole(version) .. '-' .. whole(private_version), 'kind', kind, 'run', run or '',
    'at', now_text, 'epoch', epoch, 'public', '', 'private', private, 'salt', salt)
end

-- Writes what `emit` advanced, with further fields of the state.
local function commit(...)
  redis.call('HSET', state_key, 'v', whole(version), 's', whole(private_version), 'time', now_text, ...)
end

local function reply(code) return { token, code, epoch, whole(version), now_text, unpack(entries) } end
