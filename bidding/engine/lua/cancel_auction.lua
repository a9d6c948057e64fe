-- Calls the show off; an open lot is withdrawn.
-- KEYS: 1 state, 2 log, 3 lot, 4 won
-- ARGV: 1 token, 2 salt, 3 reason (a code)
-- Returns: token, ok | over, epoch, v, now, entries…; ok without entries where it was cancelled before
-- Emits: LOT_CLOSED, AUCTION_CANCELLED
local token, salt = ARGV[1], ARGV[2]
--- @include floor
--- @include lot
local lot_key, won_key = KEYS[3], KEYS[4]
--- @include closing
if not known then return { token, 'missing' } end
if show_status == 'cancelled' then return reply('ok') end
if show_status == 'ended' then return reply('over') end
local lot = load_whole_lot(lot_key)
if lot and (lot.status == 'open' or lot.status == 'paused') then close(lot, 'cancelled', 'withdrawn') end
emit('AUCTION_CANCELLED', '', '"reason":' .. cjson.encode(ARGV[3]))
commit('status', 'cancelled', 'next', '', 'next_json', '', 'next_opens', '')
return reply('ok')
