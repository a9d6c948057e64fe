/* Asks this browser to show the site's messages, and tells the site where they reach it. */

const place = document.querySelector("[data-push]");
const button = place.querySelector("[data-switch]");

function show(state) {
  for (const part of place.querySelectorAll("[data-when]")) part.hidden = part.dataset.when !== state;
  button.hidden = state === "on" || state === "denied" || state === "unsupported";
}

async function begin() {
  if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) return show("unsupported");
  if (Notification.permission === "denied") return show("denied");
  const registration = await navigator.serviceWorker.getRegistration("/");
  const subscription = await registration?.pushManager.getSubscription();
  if (subscription && Notification.permission === "granted") {
    // Told anew at each visit: browsers change the address, and somebody else may have used this one.
    await tell(subscription);
    return show("on");
  }
  return show("unknown");
}

async function subscribe() {
  button.disabled = true;
  try {
    const permission = await Notification.requestPermission();
    // "default": the question was put away without an answer, and can be asked again.
    if (permission !== "granted") return show(permission === "denied" ? "denied" : "unknown");
    await navigator.serviceWorker.register(place.dataset.worker, { scope: "/" });
    const { pushManager } = await navigator.serviceWorker.ready;
    await tell(await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: place.dataset.key }));
    return location.reload();
  } catch (error) {
    console.warn(error);
    return show("failed");
  } finally {
    button.disabled = false;
  }
}

async function tell(subscription) {
  const { endpoint, keys } = subscription.toJSON();
  const body = new FormData();
  body.set("endpoint", endpoint);
  body.set("public_key", keys.p256dh);
  body.set("secret", keys.auth);
  body.set("csrfmiddlewaretoken", place.querySelector("[name=csrfmiddlewaretoken]").value);
  const response = await fetch(place.dataset.add, { method: "POST", body });
  if (!response.ok) throw new Error(`the site answered ${response.status}`);
}

button.addEventListener("click", () => void subscribe());
begin().catch(() => show("failed"));
