-- Reads the stored answer of a bid.
-- KEYS: 1 state, 2 answers
-- ARGV: 1 token, 2 bid id
-- Returns: token, repeat, epoch, answer (JSON); token, 0 where none is remembered; `missing`
-- Emits: nothing
local token = ARGV[1]
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then return { token, 'missing' } end
local stored = redis.call('HGET', KEYS[2], ARGV[2])
if not stored then return { token, 0 } end
return { token, 'repeat', epoch, stored:match('^[^\n]*\n(.*)$') }
