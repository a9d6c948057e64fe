/* Every sentence that the scripts say, in one place, so that a translation reaches all of them.
   Owns words only; a catalogue in the page (`<script type="application/json" id="js-catalogue">`) replaces them. */

const catalogue = read();

function read() {
  const node = globalThis.document?.getElementById("js-catalogue");
  return node ? JSON.parse(node.textContent) : {};
}

function gettext(text) {
  return catalogue[text] ?? text;
}

function ngettext(one, many, count) {
  const forms = catalogue[one];
  if (Array.isArray(forms)) return forms[count === 1 ? 0 : 1];
  return count === 1 ? one : many;
}

function fill(text, values) {
  return text.replace(/%\((\w+)\)s/g, (_whole, name) => values[name]);
}

export const words = {
  fileSending: () => gettext("Sending…"),
  lookedAt: () => gettext("Sent. We are looking at it."),
  takesLonger: () => gettext("It takes longer than usual. It will be on this page when it is ready; load it again later."),
  added: () => gettext("Added"),
  fileTooLarge: (megabytes) => fill(gettext("The file is larger than %(megabytes)s MB."), { megabytes }),
  fileEmpty: () => gettext("The file is empty."),
  formTooOld: () => gettext("It took too long. Choose the picture again."),
  notSent: () => gettext("The picture was not sent. Check your connection and choose it again."),
  lot: (number) => fill(gettext("Lot %(number)s"), { number }),
  betweenLots: () => gettext("Between lots"),
  nextLot: (number, title) => fill(gettext("Next: lot %(number)s, %(title)s"), { number, title }),
  opensIn: (seconds) => fill(gettext("opens in %(seconds)s s"), { seconds }),
  openingBid: () => gettext("opening bid"),
  noBidsYet: () => gettext("No bids yet"),
  paddle: (paddle) => fill(gettext("Paddle %(paddle)s"), { paddle }),
  you: () => gettext("You"),
  youArePaddle: (paddle) => fill(gettext("You are paddle %(paddle)s"), { paddle }),
  bids: (count) => fill(ngettext("%(count)s bid", "%(count)s bids", count), { count }),
  reserveMet: () => gettext("reserve met"),
  reserveNotMet: () => gettext("reserve not met"),
  automatic: () => gettext("automatic"),
  extended: (seconds, used, allowed) => fill(gettext("+%(seconds)s s · %(used)s of %(allowed)s"), { seconds, used, allowed }),
  extendedAgain: (used, allowed) => fill(gettext("Extended · %(used)s of %(allowed)s"), { used, allowed }),
  extendedBy: (seconds) => fill(gettext("+%(seconds)s s"), { seconds }),
  fairWarning: () => gettext("Fair warning"),
  clockDoubt: (seconds) => fill(gettext("±%(seconds)s s"), { seconds }),
  closing: () => gettext("Closing…"),
  paused: (reason) =>
    ({
      stream_lost: gettext("Paused: the picture is lost"),
      rebuilt: gettext("Paused: the floor was rebuilt"),
    })[reason] ?? gettext("Paused by the host"),
  leftWhenPaused: (time) => fill(gettext("%(time)s left"), { time }),

  getPaddle: () => gettext("Get your paddle"),
  bidsFrom: (amount, total) => fill(gettext("%(amount)s · you pay %(total)s"), { amount, total }),
  bid: (amount) => fill(gettext("Bid %(amount)s"), { amount }),
  bidUpTo: (amount) => fill(gettext("Bid up to %(amount)s"), { amount }),
  buyNow: (amount) => fill(gettext("Buy now for %(amount)s"), { amount }),
  youPay: (amount) => fill(gettext("you pay %(amount)s"), { amount }),
  youPayAtMost: (amount) => fill(gettext("you pay at most %(amount)s"), { amount }),
  plusDelivery: () => gettext("+ delivery"),
  sending: (amount) => fill(gettext("Sending %(amount)s…"), { amount }),
  checking: (amount) => fill(gettext("Checking %(amount)s…"), { amount }),
  youLead: (amount) => fill(gettext("You lead at %(amount)s"), { amount }),
  raiseMaximum: () => gettext("Raise my maximum"),
  yourMaximum: (amount) => fill(gettext("Your maximum is %(amount)s"), { amount }),
  leastMaximum: (amount) => fill(gettext("At least %(amount)s."), { amount }),
  leaveMaximum: () => gettext("Bid for me"),
  outbid: (amount) => fill(gettext("Outbid at %(amount)s"), { amount }),
  now: (amount) => fill(gettext("Now %(amount)s"), { amount }),
  confirm: (amount) => fill(gettext("Confirm %(amount)s"), { amount }),
  timesThePrice: (times) => fill(gettext("%(times)s times the price"), { times }),
  farAbove: () => gettext("far above the price"),
  cancel: () => gettext("Cancel"),
  reconnecting: () => gettext("Reconnecting…"),
  connecting: () => gettext("Connecting…"),
  wonAt: (amount) => fill(gettext("Won at %(amount)s"), { amount }),
  soldAt: (amount) => fill(gettext("Sold at %(amount)s"), { amount }),
  waitingForLot: () => gettext("Waiting for the next lot"),
  notSold: () => gettext("Not sold"),
  withdrawn: () => gettext("Withdrawn"),
  showOver: () => gettext("The show is over"),
  seeResults: () => gettext("See the results"),
  showCancelled: () => gettext("The show was called off"),
  youRunThisShow: () => gettext("You run this show"),
  removed: () => gettext("You were removed from this auction"),
  waitingForApproval: () => gettext("Waiting for the host's approval"),
  amount: () => gettext("Amount"),
  other: () => gettext("Other…"),
  max: () => gettext("Max…"),
  amountWanted: (example) => fill(gettext("Write an amount, like %(example)s."), { example }),
  atLeast: (amount) => fill(gettext("Bid at least %(amount)s."), { amount }),
  aboveMaximum: (amount) => fill(gettext("Your maximum is %(amount)s already. Write more."), { amount }),
  unconfirmed: () => gettext("Could not be confirmed. Watch the price."),
  neverArrived: (amount) => fill(gettext("Your %(amount)s did not arrive in time"), { amount }),
  tryAgain: () => gettext("That did not work. Try again."),
  askedForPaddle: (paddle) => fill(gettext("You asked for paddle %(paddle)s. The host approves it."), { paddle }),

  sold: () => gettext("Sold"),
  won: () => gettext("Won"),
  toPaddle: (paddle) => fill(gettext("to paddle %(paddle)s"), { paddle }),
  toYou: (paddle) => fill(gettext("to you, paddle %(paddle)s"), { paddle }),
  youMissedBy: (amount) => fill(gettext("You were %(amount)s below"), { amount }),
  noBids: () => gettext("No bids"),
  mayOfferAgain: () => gettext("The host may offer it again."),
  reserveWasNotMet: () => gettext("Reserve not met"),
  wonFor: (amount) => fill(gettext("%(amount)s ✓ won"), { amount }),
  passed: () => gettext("passed"),
  withdrawnState: () => gettext("withdrawn"),
  nowState: () => gettext("now"),
  nextState: () => gettext("next"),
  wonSum: (count, amount) => fill(ngettext("You: %(count)s lot won, %(amount)s", "You: %(count)s lots won, %(amount)s", count), { count, amount }),

  cameraOff: () => gettext("Camera is off."),
  cameraOffOpen: () => gettext("Camera is off; bidding is open."),
  videoBehind: (seconds) => fill(gettext("Video is about %(seconds)s s behind; bids are live."), { seconds }),
  pictureComes: () => gettext("The picture comes in a moment."),
  cannotPlay: () => gettext("This browser cannot play the video. Bids are live."),
  interval: () => gettext("A short break."),
  chatEmpty: () => gettext("Nobody has said anything yet."),
  muted: () => gettext("A moderator muted you for this show."),
  mutedUntil: (time) => fill(gettext("A moderator muted you until %(time)s."), { time }),
  slowMode: (seconds) => fill(gettext("Slow mode: one line every %(seconds)s s"), { seconds }),
  moderate: () => gettext("Moderate this line"),
  signInToChat: () => gettext("Sign in to say something."),
  host: () => gettext("Host"),
  noLotOpen: () => gettext("No lot is open."),
  openLotPage: () => gettext("Everything about this lot"),

  lostConnection: () => gettext("Connection lost. Reconnecting…"),
  signedOut: () => gettext("You were signed out."),
  signInAgain: () => gettext("Sign in"),
  elsewhere: () => gettext("This auction cannot be shown to you."),
  tooMany: () => gettext("Too many windows of this room are open. Close one and load this page again."),
  away: (seconds, what) => fill(gettext("Away %(seconds)s s: %(what)s"), { seconds, what }),
  awayNothing: () => gettext("nothing changed"),
  awayCounted: (amount) => fill(gettext("your %(amount)s counted"), { amount }),
  awayPrice: (paddle, amount) => fill(gettext("paddle %(paddle)s bid %(amount)s"), { paddle, amount }),
  awayYouLead: (amount) => fill(gettext("you lead at %(amount)s"), { amount }),
  awaySold: (number, amount) => fill(gettext("lot %(number)s was sold at %(amount)s"), { number, amount }),
  awayNotSold: (number) => fill(gettext("lot %(number)s was not sold"), { number }),
  awayNewLot: (number) => fill(gettext("lot %(number)s is open"), { number }),
  awayBetween: () => gettext("the lot is over"),
  awayLeft: (time) => fill(gettext("%(time)s left"), { time }),

  sayOpened: (number, title, amount) => fill(gettext("Lot %(number)s, %(title)s, is open at %(amount)s."), { number, title, amount }),
  saySeconds: (seconds) => fill(gettext("%(seconds)s seconds left."), { seconds }),
  sayYouLead: (amount) => fill(gettext("You lead at %(amount)s."), { amount }),
  sayOutbid: (amount) => fill(gettext("You were outbid at %(amount)s."), { amount }),
  saySold: (number, amount, paddle) => fill(gettext("Lot %(number)s sold at %(amount)s to paddle %(paddle)s."), { number, amount, paddle }),
  sayWon: (number, amount) => fill(gettext("You won lot %(number)s at %(amount)s."), { number, amount }),
  sayNotSold: (number) => fill(gettext("Lot %(number)s was not sold."), { number }),
  sayPaused: (reason) =>
    reason === "stream_lost" ? gettext("Bidding is paused: the picture is lost.") : gettext("Bidding is paused."),
  sayResumed: () => gettext("Bidding goes on."),
  sayExtended: (seconds) => fill(gettext("%(seconds)s seconds were added."), { seconds }),
  sayVoided: (amount) => fill(gettext("A bid was taken back. The price is %(amount)s."), { amount }),
  days: (count) => fill(ngettext("%(count)s day", "%(count)s days", count), { count }),
  hours: (count) => fill(gettext("%(count)s h"), { count }),

  recordChecking: () => gettext("Checking…"),
  recordVerified: (count) => fill(gettext("Verified: all %(count)s entries are consistent."), { count }),
  recordSigned: (key) => fill(gettext("Signed by this site with key %(key)s."), { key }),
  recordUnsigned: () => gettext("This browser cannot check the signature; the chain was checked."),
  recordWitnessed: (count) =>
    fill(ngettext("It agrees with %(count)s head that this browser saw.", "It agrees with %(count)s heads that this browser saw.", count), { count }),
  recordUnwitnessed: () => gettext("This browser did not watch, so it saw no head of it before."),
  recordWrong: (what) => fill(gettext("This record does not hold: %(what)s"), { what }),
  recordAway: () => gettext("The record could not be loaded. Try again."),
  recordUnable: () => gettext("This browser checks records only over https. Download it and use verify_auction."),

  goOnAir: () => gettext("Go on air"),
  goOffAir: () => gettext("Go off air"),
  onAir: () => gettext("On air"),
  offAir: () => gettext("Off air: only you see this."),
  channelTaken: () => gettext("Another camera sends on your channel already. Stop that one first."),
  cutOff: () => gettext("Your picture was ended: the show is over, or somebody cut it off."),
  refusedBecause: (reason) => fill(gettext("Your picture was refused: %(reason)s"), { reason }),
  recorderFailed: () => gettext("This browser stopped recording. Load this page again."),
  cannotRecord: () => gettext("This browser cannot record video. Try another one."),
  cameraNeedsHttps: () => gettext("Browsers give the camera only to pages over https, or on this computer itself."),
  cameraNotAllowed: () => gettext("The browser did not allow camera and microphone. Allow them in its settings for this page."),
  cameraNotFound: () => gettext("No camera with a microphone could be opened. Another program may be using it."),
  cameraLost: () => gettext("The camera or the microphone went away. Choose another one."),
  device: (number) => fill(gettext("Device %(number)s"), { number }),
  format: (name) =>
    name === "fast" ? gettext("Least delay (WebM)") : gettext("Plays on every device (MP4)"),
  kbps: (kbps, limit) => fill(gettext("%(kbps)s of %(limit)s kbit/s"), { kbps, limit }),
  pictureSize: (width, height, rate) => fill(gettext("%(width)s × %(height)s, %(rate)s/s"), { width, height, rate }),
  health: (health) =>
    ({
      good: gettext("Good"),
      starved: gettext("Nothing arrives. Check your connection."),
      no_key_frames: gettext("Newcomers wait long: the camera sends too few whole pictures."),
      unreachable: gettext("The video server does not answer. Bidding goes on."),
    })[health] ?? health,

  opensSoon: () => gettext("Opens soon"),
  boardOver: () => gettext("This board's link is worth nothing any more. Ask the host for the new one."),
  anyMoment: () => gettext("Any moment now"),
};
