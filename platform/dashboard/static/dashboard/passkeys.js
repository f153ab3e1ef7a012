// Passkeys: a form with data-passkey asks the browser for one, and is then sent with its answer.

const decoded = (text) => {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0)).buffer;
};

const encoded = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");

async function begun(form) {
  const answer = await fetch(form.dataset.options, {
    method: "POST",
    credentials: "same-origin",
    headers: { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value },
  });
  if (answer.redirected) {
    location.assign(answer.url);
    return null;
  }
  if (!answer.ok) throw new Error("The server did not begin. Wait a minute and try again.");
  return answer.json();
}

async function created(options) {
  const made = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: decoded(options.challenge),
      user: { ...options.user, id: decoded(options.user.id) },
      excludeCredentials: (options.excludeCredentials ?? []).map((one) => ({
        ...one,
        id: decoded(one.id),
      })),
    },
  });
  return {
    id: made.id,
    rawId: encoded(made.rawId),
    type: made.type,
    response: {
      clientDataJSON: encoded(made.response.clientDataJSON),
      attestationObject: encoded(made.response.attestationObject),
    },
  };
}

async function signed(options) {
  const made = await navigator.credentials.get({
    publicKey: { ...options, challenge: decoded(options.challenge), allowCredentials: [] },
  });
  const handle = made.response.userHandle;
  return {
    id: made.id,
    rawId: encoded(made.rawId),
    type: made.type,
    response: {
      clientDataJSON: encoded(made.response.clientDataJSON),
      authenticatorData: encoded(made.response.authenticatorData),
      signature: encoded(made.response.signature),
      userHandle: handle ? encoded(handle) : null,
    },
  };
}

function said(form, text) {
  const place = form.querySelector("[data-passkey-error]");
  place.textContent = text;
  place.hidden = false;
}

function reason(fault) {
  if (fault.name === "NotAllowedError") return "The browser was not allowed to use a passkey. Try again.";
  if (fault.name === "InvalidStateError") return "This device has a passkey of yours already.";
  if (fault.name === "SecurityError") return "Passkeys need a host name with HTTPS, or localhost.";
  return fault.message;
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    if (form.elements.credential.value) return;
    event.preventDefault();
    if (!form.reportValidity()) return;
    try {
      const ceremony = await begun(form);
      if (ceremony === null) return;
      const use = form.dataset.passkey === "add" ? created : signed;
      form.elements.credential.value = JSON.stringify(await use(ceremony.options));
      form.elements.ceremony.value = ceremony.ceremony;
      form.submit();
    } catch (fault) {
      form.elements.credential.value = "";
      said(form, reason(fault));
    }
  });
}
