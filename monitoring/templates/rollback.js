// Asks Airflow for a run of the DAG `rollback`, as the person who is signed in. Who may, and whether it may be, is decided there.
"use strict";

const form = document.getElementById("rollback");
const button = form.querySelector("button");
const asked = document.getElementById("asked");
const refused = document.getElementById("refused");

/** What an answer that is no run says; Airflow writes `detail` as text or as a list of faults. */
async function fault(answer) {
  const said = await answer.json().catch(() => ({}));
  const detail = typeof said.detail === "string" ? said.detail : JSON.stringify(said.detail ?? "");
  return `${answer.status} ${detail}`;
}

async function ask(why) {
  const { family, verdict: to, live } = form.dataset;
  const conf = { family, to, why, instead_of: Number(live) }; // what the page shows, should another score by now
  const answer = await fetch(form.dataset.ask, {
    method: "POST",
    credentials: "same-origin",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify({ logical_date: null, conf }),
  });
  if (!answer.ok) throw new Error(await fault(answer));
  return (await answer.json()).dag_run_id;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true; // once: a second click would ask for a second run
  refused.hidden = true;
  try {
    const run = await ask(form.elements.why.value.trim());
    asked.querySelector("a").href = form.dataset.run + encodeURIComponent(run);
    asked.hidden = false;
  } catch (error) {
    refused.querySelector("code").textContent = error.message;
    refused.hidden = false;
    button.disabled = false;
  }
});
