/* The page of a scheduled auction: counts down to the start on the server's time, and opens the room when it begins. */

import { Event, Receive } from "./room/messages.js";
import { RoomSocket } from "./room/socket.js";
import { ServerClock } from "./room/clock.js";
import { untilText } from "./room/timer.js";

const config = JSON.parse(document.getElementById("room-config").textContent);
const figure = document.querySelector("[data-starts-at]");
const clock = new ServerClock();
let position = null;

function show() {
  const now = clock.now();
  if (figure && now !== null) figure.textContent = untilText(Number(figure.dataset.startsAt) - now);
}

const socket = new RoomSocket(`${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${config.socket}`, {
  position: () => position,
  open: () => {},
  lost: () => {},
  final: () => {},
  message: (message) => {
    if (message.server_time_ms !== undefined) clock.atLeast(message.server_time_ms);
    if (message.v !== undefined && message.epoch) position = { since: message.v, epoch: message.epoch };
    const live = message.type === Event.AUCTION_LIVE || (message.type === Receive.STATE && message.auction.status === "live");
    const events = message.type === Receive.RESUMED ? message.events : [];
    if (live || events.some((event) => event.type === Event.AUCTION_LIVE)) {
      // Everybody hears of it at once, so the pages are fetched over two seconds.
      setTimeout(() => location.reload(), Math.random() * 2_000);
    }
  },
});

if (figure) {
  // Until the socket has spoken, the time at which the page was made is the best there is.
  clock.atLeast(Number(figure.dataset.now));
  setInterval(show, 250);
}
socket.start();
