-- Begins an auction's log; pre-bids and registrations may follow.
-- KEYS: 1 state, 2 tombstone (not the log: nothing is emitted)
-- ARGV: 1 token, 2 epoch, 3 the currency's exponent
-- Returns: token, ok | over | bad_argument, epoch, v, now. Harmless where the log was begun before.
-- Emits: nothing
local token = ARGV[1]
--- @include floor
if redis.call('EXISTS', KEYS[2]) == 1 then return { token, 'over', '', '0', whole(now) } end
if not known then
  if not (ARGV[2]:find('^%w+$') and ARGV[3]:find('^[0-4]$')) then return { token, 'bad_argument', '', '0', now_text } end
  epoch, version = ARGV[2], 0
  redis.call('HSET', state_key, 'epoch', epoch, 'v', '0', 's', '0', 'time', whole(now), 'status', 'scheduled',
    'exponent', ARGV[3])
end
return reply('ok')
