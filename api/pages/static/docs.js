// Swagger UI on the document this node serves. The validator is off: it would send the document elsewhere.
// Everything begins closed. The contents beside it open a group; the search shows the operations that have all its words.

const contents = document.getElementById("contents");
const search = document.getElementById("search");

function sections() {
  return [...document.querySelectorAll(".opblock-tag-section")];
}

function open(section, wanted) {
  const heading = section.querySelector(".opblock-tag");
  if (section.classList.contains("is-open") !== wanted) heading.click();
}

function listGroups() {
  for (const section of sections()) {
    const heading = section.querySelector(".opblock-tag");
    const link = document.createElement("a");
    link.textContent = heading.dataset.tag;
    link.href = "#/" + encodeURIComponent(heading.dataset.tag);
    link.addEventListener("click", (event) => {
      event.preventDefault();
      open(section, true);
      section.scrollIntoView();
    });
    contents.appendChild(link);
  }
}

function show() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const section of sections()) open(section, words.length > 0);
  requestAnimationFrame(() => {
    for (const section of sections()) {
      const operations = [...section.querySelectorAll(".opblock")];
      for (const operation of operations) {
        const text = (operation.querySelector(".opblock-summary")?.textContent + " " + operation.id).toLowerCase();
        operation.hidden = !words.every((word) => text.includes(word));
      }
      section.hidden = words.length > 0 && operations.every((operation) => operation.hidden);
    }
  });
}

window.addEventListener("load", () => {
  SwaggerUIBundle({
    url: "openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    docExpansion: "none",
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
    validatorUrl: null,
    onComplete: () => requestAnimationFrame(listGroups),
  });
});
search.addEventListener("input", show);
