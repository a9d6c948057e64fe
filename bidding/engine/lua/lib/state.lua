-- Shared by every script that knows an auction: its state and the time. Expects KEYS[1] = state.

local state_key = KEYS[1]
local stored = redis.call('HMGET', state_key, 'epoch', 'v', 's', 'time', 'status', 'exponent')
local epoch, show_status = stored[1], stored[5]
local known = epoch and true or false
local version, private_version = tonumber(stored[2]) or 0, tonumber(stored[3]) or 0
local exponent = tonumber(stored[6]) or 0

-- Milliseconds; never less than at an earlier decision of this auction, even if the server's clock stepped back.
local clock = redis.call('TIME')
local now = math.max(tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000), tonumber(stored[4]) or 0)

-- Lua prints large numbers in exponent form; these two do not, and `%d` is twice as fast where a long has 64 bits.
local format = string.format
local whole_format = format('%d', 2 ^ 53) == '9007199254740992' and '%d' or '%.0f'
local function whole(number) return format(whole_format, number) end
local now_text = whole(now)
