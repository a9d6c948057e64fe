-- Removes the keys of an auction that is over, once the database holds its whole log, and leaves a tombstone.
-- KEYS: 1 state, 2 tombstone, 3 refusals, 4… every other key of the auction
-- ARGV: 1 token, 2 the version that the database holds, 3 the tombstone's life in seconds
-- Returns: token, ok | not_over | not_stored, epoch, v, now; ok where it was cleaned before
-- Emits: nothing
local token = ARGV[1]
--- @include floor
if not known then
  if redis.call('EXISTS', KEYS[2]) == 1 then return { token, 'ok', '', '0', whole(now) } end
  return { token, 'missing' }
end
if show_status ~= 'ended' and show_status ~= 'cancelled' then return reply('not_over') end
if version ~= tonumber(ARGV[2]) or redis.call('XLEN', KEYS[3]) > 0 then return reply('not_stored') end
redis.call('SET', KEYS[2], show_status, 'EX', ARGV[3])
redis.call('UNLINK', KEYS[1])
for i = 3, #KEYS do redis.call('UNLINK', KEYS[i]) end
return reply('ok')
