-- Leaves the tombstone of an auction that is over in the database and whose keys were lost.
-- KEYS: 1 state, 2 tombstone
-- ARGV: 1 token, 2 the tombstone's life in seconds
-- Returns: token, ok | not_missing, epoch, v, now
-- Emits: nothing
local token = ARGV[1]
--- @include floor
if known then return reply('not_missing') end
redis.call('SET', KEYS[2], 'ended', 'EX', ARGV[2])
return { token, 'ok', '', '0', now_text }
