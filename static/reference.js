// Shows the OpenAPI document by Swagger UI or Redoc, both served from here.
"use strict";

const nonce = document.currentScript.nonce;

for (const place of document.querySelectorAll("[data-swagger]")) {
  window.ui = SwaggerUIBundle({
    url: place.dataset.swagger,
    domNode: place,
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    validatorUrl: null,
  });
}

for (const place of document.querySelectorAll("[data-redoc]")) {
  // Redoc asks its makers' server for their logo; it gets ours, and nobody else is asked.
  const { get, set } = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, "src");
  const ours = (address) => (String(address).startsWith("https://cdn.redoc.ly/") ? place.dataset.logo : address);
  const { setAttribute } = Element.prototype;
  Object.defineProperty(HTMLImageElement.prototype, "src", { get, set(address) { set.call(this, ours(address)); } });
  HTMLImageElement.prototype.setAttribute = function (name, value) { setAttribute.call(this, name, ours(value)); };
  Redoc.init(place.dataset.redoc, { nonce, nativeScrollbars: true, disableSearch: true, hideHostname: true, downloadUrls: [] }, place);
}
