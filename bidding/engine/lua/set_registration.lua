-- Tells the floor of a bidder, or of a change of their status or limit.
-- KEYS: 1 state, 2 registrations
-- ARGV: 1 token, 2 registration, 3 paddle, 4 status, 5 spending limit ('' = none), 6 barred (1 = may not bid here)
-- Returns: token, ok | bad_argument, epoch, v, now
-- Emits: nothing
local token = ARGV[1]
--- @include floor
if not known then return { token, 'missing' } end
if not (is_whole(ARGV[2]) and is_whole(ARGV[3]) and ARGV[4]:find('^%a+$') and is_whole_or_empty(ARGV[5])
  and ARGV[6]:find('^[01]$')) then
  return reply('bad_argument')
end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3] .. '|' .. ARGV[4] .. '|' .. ARGV[5] .. '|' .. ARGV[6])
return reply('ok')
