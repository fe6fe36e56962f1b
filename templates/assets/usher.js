// Adds a Show button to every password field. The pages are whole without this file.
"use strict";

for (const field of document.querySelectorAll("input[type=password]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain";
  button.setAttribute("aria-controls", field.id);
  const show = (shown) => {
    field.type = shown ? "text" : "password";
    button.textContent = shown ? "Hide" : "Show";
    button.setAttribute("aria-label", shown ? "Hide password" : "Show password");
  };
  button.addEventListener("click", () => show(field.type === "password"));
  // Browsers remember what is typed in text fields, so it leaves as a password.
  field.form.addEventListener("submit", () => show(false));
  show(false);

  const row = document.createElement("div");
  row.className = "secret";
  field.replaceWith(row);
  row.append(field, button);
}
