// The API's address comes from /klotho-config.js, which `klotho up` writes.
const list = document.querySelector("ul");
const state = document.querySelector("#state");

async function show(request) {
  const answer = await fetch(`${klotho.API_URL}/entries`, request);
  const entries = await answer.json();
  list.replaceChildren(
    ...entries.map((entry) => Object.assign(document.createElement("li"), { textContent: entry.text })),
  );
  state.textContent = `${entries.length} ${entries.length === 1 ? "entry" : "entries"} at ${location.pathname}`;
}

document.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = new FormData(event.target).get("text");
  event.target.reset();
  await show({ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ text }) });
});

await show();
