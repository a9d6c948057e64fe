-- Takes a named lock where it is free, or renews it for its holder.
-- KEYS: 1 holder, 2 fence
-- ARGV: 1 token, 2 the holder's name, 3 how long it holds (ms), 4 a number that the fence must exceed
-- Returns: token, the fencing number (0 where somebody else holds it)
-- Emits: nothing
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[2] then return { ARGV[1], '0' } end
local fence = redis.call('GET', KEYS[2])
if not holder or not fence then
  -- A server that was wiped counts from the start again; the other side of the fence remembers.
  fence = math.max(tonumber(fence or 0), tonumber(ARGV[4])) + 1
end
-- The holder first: with a wrong time to live nothing is written.
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('SET', KEYS[2], string.format('%.0f', fence))
return { ARGV[1], string.format('%.0f', tonumber(fence)) }
