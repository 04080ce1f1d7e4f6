const api = globalThis.klotho.API_URL;
const form = document.querySelector("form");
const status = document.querySelector("#status");
const list = document.querySelector("#slides");

function card(slide) {
  const item = document.createElement("li");
  const image = document.createElement("img");
  image.src = `${api}/thumbnails/${encodeURIComponent(slide.thumbnail)}`;
  image.alt = "";
  const text = document.createElement("span");
  text.textContent = slide.text;
  item.append(image, text);
  return item;
}

async function search(query) {
  status.textContent = "Searching …";
  list.replaceChildren();
  const response = await fetch(`${api}/search?q=${encodeURIComponent(query)}`);
  if (!response.ok) throw new Error(`the search answered ${response.status}`);
  const found = await response.json();
  status.textContent = found.slides.length ? `${found.count} found` : `Nothing says “${query}”.`;
  list.replaceChildren(...found.slides.map(card));
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const query = new FormData(form).get("q").trim();
  if (query) search(query).catch((error) => { status.textContent = `That did not work: ${error.message}.`; });
});
