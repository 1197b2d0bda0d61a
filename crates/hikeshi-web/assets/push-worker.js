// Shows pages as notifications, and opens the incident when one is tapped. It keeps nothing: no page, no request goes through it.
"use strict";
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("push", (event) => {
  let page = {};
  try { page = event.data.json(); } catch { /* What cannot be read is still a page: somebody is called. */ }
  const text = (value, other) => (typeof value === "string" && value ? value : other);
  const shown = { body: text(page.body, ""), tag: text(page.tag, "page"), renotify: true, requireInteraction: page.urgent === true, data: { to: text(page.to, "/") } };
  event.waitUntil(self.registration.showNotification(text(page.title, "hikeshi"), shown));
});
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const home = self.location.origin;
  let to = new URL("/", home);
  try { to = new URL(event.notification.data.to, home); } catch { /* An address that is none leads home. */ }
  if (to.origin !== home) to = new URL("/", home);
  event.waitUntil((async () => {
    const open = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    const there = open.find((one) => new URL(one.url).pathname === to.pathname);
    return there ? there.focus() : self.clients.openWindow(to.href);
  })());
});
