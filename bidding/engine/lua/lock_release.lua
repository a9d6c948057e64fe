-- Gives a named lock back, where it is still held by this holder.
-- KEYS: 1 holder
-- ARGV: 1 token, 2 the holder's name
-- Returns: token, 1 released | 0 not held any more
-- Emits: nothing
if redis.call('GET', KEYS[1]) ~= ARGV[2] then return { ARGV[1], '0' } end
redis.call('DEL', KEYS[1])
return { ARGV[1], '1' }
