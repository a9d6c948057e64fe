-- Ends the show; every result becomes final.
-- KEYS: 1 state, 2 log, 3 lot
-- ARGV: 1 token, 2 salt
-- Returns: token, ok | lot_open | not_live, epoch, v, now, entries…; ok without entries where it is over
-- Emits: AUCTION_ENDED
local token, salt = ARGV[1], ARGV[2]
--- @include floor
if not known then return { token, 'missing' } end
if show_status == 'ended' then return reply('ok') end
if show_status ~= 'live' then return reply('not_live') end
local lot_status = redis.call('HGET', KEYS[3], 'status')
if lot_status == 'open' or lot_status == 'paused' then return reply('lot_open') end
emit('AUCTION_ENDED', '', '')
commit('status', 'ended', 'next', '', 'next_json', '', 'next_opens', '')
return reply('ok')
