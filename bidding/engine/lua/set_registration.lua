-- Tells the floor of a bidder, or of a change of their status or limit.
-- KEYS: 1 state, 2 registrations
-- ARGV: 1 token, 2 registration, 3 paddle, 4 status, 5 spending limit ('' = none), 6 barred (1 = may not bid here)
-- Returns: token, ok, epoch, v, now
-- Emits: nothing
local token = ARGV[1]
--- @include floor
if not known then return { token, 'missing' } end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3] .. '|' .. ARGV[4] .. '|' .. ARGV[5] .. '|' .. ARGV[6])
return reply('ok')
