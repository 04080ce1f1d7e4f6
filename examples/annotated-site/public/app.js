const api = `${klotho.PETS_API_URL ?? ""}/api/pets`;
const [form, alert, list] = ["form", "[role=alert]", "ul"].map((name) => document.querySelector(name));

async function show() {
  const pets = await (await fetch(api)).json();
  list.replaceChildren(...pets.map(({ name, kind }) => Object.assign(document.createElement("li"), { textContent: `${name}, a ${kind}` })));
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const pet = Object.fromEntries(new FormData(form));
  alert.textContent = problemsOf(pet).join(", ");
  if (alert.textContent) return;
  const body = JSON.stringify(pet);
  await fetch(api, { method: "POST", headers: { "content-type": "application/json" }, body });
  form.reset();
  await show();
});

show();
