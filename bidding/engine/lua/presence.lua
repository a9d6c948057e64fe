-- Says how many people one process seats in a room, and counts those of all processes.
-- KEYS: 1 counts (hash: process -> "people until")
-- ARGV: 1 token, 2 process, 3 people, 4 how long this counts (ms)
-- Returns: token, people in all
-- Emits: nothing
if not (ARGV[3]:find('^%d+$') and ARGV[4]:find('^%d+$')) or #ARGV[3] > 9 or #ARGV[4] > 9 then
  return redis.error_reply('ERR people and time are whole numbers')
end
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
if ARGV[3] == '0' then
  redis.call('HDEL', KEYS[1], ARGV[2])
else
  redis.call('HSET', KEYS[1], ARGV[2], ARGV[3] .. ' ' .. string.format('%.0f', now + tonumber(ARGV[4])))
end
local total = 0
local counts = redis.call('HGETALL', KEYS[1])
for i = 1, #counts, 2 do
  local people, expires = counts[i + 1]:match('^(%d+) (%d+)$')
  if tonumber(expires) < now then
    redis.call('HDEL', KEYS[1], counts[i])  -- its process died without a word
  else
    total = total + tonumber(people)
  end
end
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[4]) * 2)
return { ARGV[1], total }
