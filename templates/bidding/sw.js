{% load static %}/* Shows the messages that this site sends to a browser, and opens what they tell of. It keeps nothing. */

self.addEventListener("push", (event) => {
  const message = event.data?.json() ?? {};
  const shown = { body: message.text ?? "", tag: message.tag, data: { path: message.path }, icon: "{% static 'img/paddle.svg' %}" };
  event.waitUntil(self.registration.showNotification(message.title ?? message.site ?? "", shown));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.path ?? "/"));
});

/** Go to a page of this site, in a window that shows it already if there is one. */
async function open(path) {
  const url = new URL(path, self.location.origin);
  if (url.origin !== self.location.origin) return undefined;
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = windows.find((client) => new URL(client.url).pathname === url.pathname);
  return there ? there.focus() : self.clients.openWindow(url.href);
}
