/** Pages with passkeys: show the buttons where the browser knows passkeys, and say so when one was not used.
 *
 * The ceremonies themselves are allauth's own script; it tells what went wrong by an event on the document.
 */

if (window.PublicKeyCredential) {
  for (const part of document.querySelectorAll("[data-passkeys]")) part.hidden = false;
}

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  for (const told of document.querySelectorAll("[data-passkey-failed]")) told.hidden = false;
});
