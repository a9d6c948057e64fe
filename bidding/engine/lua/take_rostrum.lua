-- Puts one person on the rostrum; taking over from another is visible in the log.
-- KEYS: 1 state, 2 log
-- ARGV: 1 token, 2 salt, 3 who (user)
-- Returns: token, ok | not_live | bad_argument, epoch, v, now
-- Emits: ROSTRUM privately
local token, salt = ARGV[1], ARGV[2]
--- @include floor
if not known then return { token, 'missing' } end
if show_status ~= 'live' then return reply('not_live') end
if not is_whole(ARGV[3]) then return reply('bad_argument') end
local holder = redis.call('HGET', state_key, 'rostrum')
if holder ~= ARGV[3] then
  emit_private('ROSTRUM', '', '{"actor":' .. ARGV[3] .. ',"from":' .. ((holder and holder ~= '') and holder or 'null') .. '}')
  commit('rostrum', ARGV[3])
end
return reply('ok')
