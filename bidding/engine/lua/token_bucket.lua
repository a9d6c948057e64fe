-- Takes from a bucket of tokens that refills steadily.
-- KEYS: 1 bucket
-- ARGV: 1 token, 2 how many it holds, 3 how long one takes to come back (ms), 4 how many are taken
-- Returns: token, 1 taken | 0 not enough, how long until there are enough (ms)
-- Emits: nothing
for place = 2, 4 do
  if not ARGV[place]:find('^[1-9]%d*$') or #ARGV[place] > 9 then return redis.error_reply('ERR a bucket is told in whole numbers') end
end
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local holds, refill, wanted = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local bucket = redis.call('HMGET', KEYS[1], 'level', 'at')
local level = tonumber(bucket[1] or holds)
level = math.min(holds, level + math.max(0, now - tonumber(bucket[2] or now)) / refill)
local taken, wait = 0, 0
if level >= wanted then
  taken, level = 1, level - wanted
else
  wait = math.ceil((wanted - level) * refill)
end
redis.call('HSET', KEYS[1], 'level', string.format('%.6f', level), 'at', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(holds * refill))
return { ARGV[1], taken, wait }
