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
  if (!forms) return count === 1 ? one : many;
  // The catalogue says which form goes with each number below 200; from 100 on they repeat in every language.
  return forms[catalogue[""][count < 200 ? count : 100 + (count % 100)]];
}

function fill(text, values) {
  return text.replace(/%\((\w+)\)s/g, (_whole, name) => values[name]);
}

const language = globalThis.document?.documentElement?.lang || "en";

/** Write seconds and their tenths with the decimal mark of the page's language. */
function tenths(seconds) {
  return seconds.toLocaleString(language, { maximumFractionDigits: 1 });
}

/** What stands between whole seconds and their tenths in the page's language. */
export const decimalMark = (0.1).toLocaleString(language).at(1);

export const words = {
  fileSending: () => gettext("Sending…"),
  lookedAt: () => gettext("Sent. We are looking at it."),
  takesLonger: () => gettext("It takes longer than usual. It will be on this page when it is ready; load it again later."),
  added: () => gettext("Added"),
  fileTooLarge: (megabytes) => fill(gettext("The file is larger than %(megabytes)s MB."), { megabytes }),
  fileEmpty: () => gettext("The file is empty."),
  formTooOld: () => gettext("It took too long. Choose the picture again."),
  notSent: () => gettext("The picture was not sent. Check your connection and choose it again."),
  saving: () => gettext("Saving…"),
  saved: () => gettext("Saved"),
  allSaved: () => gettext("All saved"),
  notSaved: () => gettext("Not saved"),
  notSavedYet: () => gettext("Not saved yet"),
  noConnection: () => gettext("Not saved: no connection. Trying again…"),
  signedOut: () => gettext("Not saved: you are signed out. Sign in in another tab; what you typed stays here."),
  changedTo: (value) => fill(gettext("Somebody else wrote: %(value)s"), { value }),
  lotsNeedYou: (count) => fill(ngettext("%(count)s lot is not saved", "%(count)s lots are not saved", count), { count }),
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
  clockDoubt: (seconds) => fill(gettext("±%(seconds)s s"), { seconds: tenths(seconds) }),
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
  bidThis: () => gettext("Bid this"),
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
  noWayBack: (why) =>
    ({
      signed_out: gettext("You were signed out."),
      forbidden: gettext("You were removed from this auction"),
      not_found: gettext("This auction cannot be shown to you."),
      too_many: gettext("Too many windows of this room"),
    })[why],
  removed: () => gettext("You were removed from this auction"),
  waitingForApproval: () => gettext("Waiting for the host's approval"),
  amount: () => gettext("Amount"),
  other: () => gettext("Other…"),
  max: () => gettext("Max…"),
  amountWanted: (example) => fill(gettext("Write an amount without thousands separators, like %(example)s."), { example }),
  atLeast: (amount) => fill(gettext("Bid at least %(amount)s."), { amount }),
  // By the code of the wire, whose own sentences are English; `otherwise` is for codes that this page does not know yet.
  refused: (code, minimum, otherwise) =>
    ({
      sign_in: gettext("Sign in to bid."),
      not_registered: gettext("Get your paddle first."),
      own_lot: gettext("You work for this auction, so you cannot bid in it."),
      banned: gettext("You were removed from this auction."),
      not_open: gettext("This lot is not open."),
      wrong_lot: gettext("That lot is over; another one is open."),
      expired: gettext("Your bid arrived too late to be placed again."),
      over_limit: gettext("This is above your spending limit."),
      paused: gettext("Paused by the host."),
      too_late: gettext("Too late: the lot was over."),
      too_low: minimum ? fill(gettext("Bid at least %(amount)s."), { amount: minimum }) : gettext("That is too low."),
      too_high: gettext("That is far above the price. Confirm it if you mean it."),
      bad_amount: gettext("That is not an amount in this currency."),
      already_leading: gettext("You lead already."),
      id_reused: gettext("This bid id was used for another bid."),
      rate_limited: gettext("Too many bids at once. Wait a moment."),
      unavailable: gettext("Bids cannot be taken right now. Your bid did not count; try again."),
      unconfirmed: gettext("Could not be confirmed. Watch the price."),
    })[code] ?? otherwise,
  chatRefused: (code, waitMs, otherwise) =>
    ({
      sign_in: gettext("Sign in to say something."),
      muted: waitMs
        ? fill(gettext("A moderator muted you. You can chat again in %(minutes)s min."), { minutes: Math.ceil(waitMs / 60_000) })
        : gettext("A moderator muted you for this show."),
      slow_mode: fill(gettext("Slow mode is on. Wait %(seconds)s s."), { seconds: Math.ceil((waitMs ?? 1) / 1000) }),
      rate_limited: gettext("Too fast. Wait a moment."),
      empty: gettext("Write something first."),
      too_long: gettext("That is too long."),
      blocked: gettext("That contains a word that is not wanted here."),
      closed: gettext("The chat of this auction is closed."),
      unavailable: gettext("The chat is not available right now."),
    })[code] ?? otherwise,
  aboveMaximum: (amount) => fill(gettext("Your maximum is %(amount)s already. Write more."), { amount }),
  tooLate: (ms) => fill(gettext("Too late by %(ms)s ms"), { ms }),
  bidTakenBack: () => gettext("Your bid was taken back"),
  nothingToPay: () => gettext("Nobody pays anything."),
  highestWasYours: (amount) => fill(gettext("Your %(amount)s was the highest"), { amount }),
  highestWas: (amount) => fill(gettext("The highest bid was %(amount)s"), { amount }),
  neverArrived: (amount) => fill(gettext("Your %(amount)s did not arrive in time"), { amount }),
  tryAgain: () => gettext("That did not work. Try again."),
  emailWanted: () => gettext("Write your e-mail address."),
  codeSentAgain: () => gettext("Another code is on its way. Those before count no longer."),
  declined: () => gettext("The host declined your request for a paddle."),
  copied: () => gettext("Copied"),
  waitsOnButton: (amount) => fill(gettext("%(amount)s waits on the button. Nothing is bid before you press it."), { amount }),
  bidWhenOpen: () => gettext("You can bid as soon as a lot is open."),
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
  videoBehind: (seconds) => fill(gettext("Video is about %(seconds)s s behind; bids are live."), { seconds: tenths(seconds) }),
  pictureComes: () => gettext("The picture comes in a moment."),
  stills: () => gettext("This browser cannot play the video: one picture a second, with sound. Bids are live."),
  cannotPlay: () => gettext("This browser cannot play the video. Bids are live."),
  interval: () => gettext("A short break."),
  chatEmpty: () => gettext("Nobody has said anything yet."),
  muted: () => gettext("A moderator muted you for this show."),
  mutedUntil: (time) => fill(gettext("A moderator muted you until %(time)s."), { time }),
  slowMode: (seconds) => fill(gettext("Slow mode: one line every %(seconds)s s"), { seconds }),
  report: () => gettext("Report this line"),
  reported: () => gettext("Thank you. The moderators look at it."),
  moderate: () => gettext("Moderate this line"),
  signInToChat: () => gettext("Sign in to say something."),
  host: () => gettext("Host"),
  // What the wire calls the people of the house, and those who chose no name; its own words are English.
  author: ({ author, paddle, role }) => {
    if (role) return { host: gettext("Host"), moderator: gettext("Moderator") }[role] ?? author;
    if (author === "Guest" && paddle === null) return gettext("Guest");
    return author === `Paddle ${paddle}` ? words.paddle(paddle) : author;
  },
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
  awayThenPrice: (paddle, amount) => fill(gettext("then paddle %(paddle)s bid %(amount)s"), { paddle, amount }),
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
  sayYoursVoided: (amount) => fill(gettext("Your bid was taken back. The price is %(amount)s."), { amount }),
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

  lotPaused: (number, paused) => fill(gettext("Lot %(number)s. %(paused)s."), { number, paused }),
  resume: () => gettext("Resume"),
  resumeWithoutPicture: () => gettext("Resume without the picture"),
  cannotReplay: () => gettext("This browser cannot play the recording. Try another one."),
  replayAway: () => gettext("The recording could not be loaded. Load this page again."),
  replayInterrupted: () => gettext("Interrupted: the floor was rebuilt"),
  takenBack: () => gettext("taken back"),

  serviceAway: () => gettext("The video service cannot be reached from here. Go on air again in a moment."),
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
  cameraNotFound: () => gettext("Camera and microphone could not be opened. Another program may be using them."),
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

  showStatus: (status) =>
    ({
      scheduled: gettext("Scheduled"),
      live: gettext("Live"),
      ended: gettext("Ended"),
      cancelled: gettext("Cancelled"),
    })[status] ?? status,
  deskGoLive: () => gettext("Go live"),
  deskOpen: (number) => fill(gettext("Open lot %(number)s"), { number }),
  deskWarn: () => gettext("Fair warning"),
  deskWarnNote: () => gettext("or let it run"),
  deskHammer: () => gettext("Hammer"),
  hammerIn: (seconds) => fill(gettext("Hammer in %(seconds)s s"), { seconds }),
  hammerWait: () => gettext("bidders have ten seconds"),
  hammerSells: (paddle, amount) => fill(gettext("sells to paddle %(paddle)s at %(amount)s"), { paddle, amount }),
  hammerNoBids: () => gettext("no bids: it passes"),
  hammerReserve: () => gettext("reserve not met: it passes"),
  deskAgain: (amount) => fill(gettext("Offer again at %(amount)s"), { amount }),
  deskSell: (amount) => fill(gettext("Sell anyway at %(amount)s"), { amount }),
  sellConfirm: (amount, paddle, seconds) =>
    fill(
      gettext("The reserve is dropped, and bidding opens again for %(seconds)s s. Paddle %(paddle)s buys at %(amount)s, unless somebody bids more."),
      { amount, paddle, seconds },
    ),
  endConfirm: () => gettext("Results become final and invoices are written. This cannot be taken back."),
  deskEnd: () => gettext("End the show"),
  deskEndNote: () => gettext("no lot waits"),
  deskSending: () => gettext("Sending…"),
  lotOf: (number, count) => fill(gettext("Lot %(number)s of %(count)s"), { number, count }),
  reserveOf: (amount, met) =>
    fill(met ? gettext("reserve %(amount)s met") : gettext("reserve %(amount)s not met"), { amount }),
  nextInLine: (paddle, amount) => fill(gettext("next in line: %(paddle)s at %(amount)s"), { paddle, amount }),
  nobodyInLine: () => gettext("nobody next in line"),
  watchers: (count) => fill(ngettext("%(count)s watches", "%(count)s watch", count), { count }),
  preBids: (count) => fill(ngettext("%(count)s pre-bid", "%(count)s pre-bids", count), { count }),
  moreWait: (count) => fill(gettext("and %(count)s more"), { count }),
  noLotWaits: () => gettext("No lot waits."),
  nothingSold: () => gettext("Nothing is over yet."),
  reserveShort: () => gettext("reserve"),
  moveUp: (number) => fill(gettext("Move lot %(number)s up"), { number }),
  moveDown: (number) => fill(gettext("Move lot %(number)s down"), { number }),
  autopilot: (seconds) => fill(gettext("autopilot, %(seconds)s s apart"), { seconds }),
  endsAbout: (time) => fill(gettext("ends about %(time)s"), { time }),
  soldSum: (count, amount) => fill(gettext("%(count)s sold · %(amount)s"), { count, amount }),
  unsoldSum: (count) => fill(gettext("%(count)s not"), { count }),
  pictureState: (state, health) =>
    ({
      live: health === "good" || health === null ? gettext("Picture: good") : words.health(health),
      offline: gettext("Picture: off"),
      starting: gettext("Picture: starting"),
      ended: gettext("Picture: over"),
      none: gettext("No video channel"),
    })[state] ?? gettext("Picture: not known"),
  secondsBehind: (seconds) => fill(gettext("%(seconds)s s behind"), { seconds: tenths(seconds) }),
  onRostrum: (name) => fill(gettext("%(name)s has the rostrum: the desk obeys them alone."), { name }),
  somebody: () => gettext("Somebody else"),
  holdsNothing: (paddle) => fill(gettext("Paddle %(paddle)s has no bid for this lot."), { paddle }),
  nobodyHolds: () => gettext("Nobody holds this paddle."),
  becomes: (amount, paddle) => fill(gettext("The price becomes %(amount)s, and paddle %(paddle)s leads."), { amount, paddle }),
  becomesNothing: () => gettext("Then nobody has bid."),
  leadsNow: (paddle, amount) => fill(gettext("Paddle %(paddle)s leads at %(amount)s."), { paddle, amount }),
  bidEntered: (paddle, amount) => fill(gettext("Paddle %(paddle)s: %(amount)s counts."), { paddle, amount }),
  bidEnteredOutbid: (paddle) => fill(gettext("Paddle %(paddle)s was outbid at once."), { paddle }),
  enterAgain: () => gettext("Press Enter once more if it is meant."),
  noticeSent: () => gettext("Everybody reads it."),

  opensSoon: () => gettext("Opens soon"),
  boardOver: () => gettext("This board's link is worth nothing any more. Ask the host for the new one."),
  anyMoment: () => gettext("Any moment now"),
};
