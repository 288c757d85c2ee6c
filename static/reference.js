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
  const set = Element.prototype.setAttribute;
  Element.prototype.setAttribute = function (name, value) {
    const abroad = name === "src" && String(value).startsWith("https://cdn.redoc.ly/");
    return set.call(this, name, abroad ? place.dataset.logo : value);
  };
  Redoc.init(place.dataset.redoc, { nonce, nativeScrollbars: true, disableSearch: true, hideHostname: true, downloadUrls: [] }, place);
}
