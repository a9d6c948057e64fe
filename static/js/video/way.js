/* Which way a browser plays what the site relays. Pure: it is told what the browser has. */

/** Return the class that takes bytes: MediaSource, the managed one where that is missing, as on iPhones, or null. */
export function sourceOf({ MediaSource, ManagedMediaSource }) {
  return MediaSource ?? ManagedMediaSource ?? null;
}

/** Return how to play a media type: by "source", by "hls", which is there for MP4 alone, or else not at all: "none". */
export function wayOf(mime, { Source, playsHls }) {
  if (Source?.isTypeSupported(mime)) return "source";
  return playsHls && mime.startsWith("video/mp4") ? "hls" : "none";
}
