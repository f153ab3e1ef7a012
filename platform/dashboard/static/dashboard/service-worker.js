// Shows pushed messages, and opens their page. It keeps nothing and answers no request of a page.

self.addEventListener("push", (event) => {
  const told = event.data ? event.data.json() : {};
  event.waitUntil(
    self.registration.showNotification(told.title || "Ballast", {
      body: told.body || "",
      // A repeated message replaces itself.
      tag: told.tag,
      data: { url: told.url || "/notices" },
    }),
  );
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const wanted = new URL(event.notification.data.url, self.location.origin);
  // Only pages of our own, whatever a message says.
  const page = wanted.origin === self.location.origin ? wanted.href : "/notices";
  event.waitUntil(self.clients.openWindow(page));
});
