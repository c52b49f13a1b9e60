"""`python -m deploy.demo`: one run and one batch through the REST API, live; then transcripts and the bill."""

import asyncio
import os
import sys
from typing import Any

import httpx2
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from deploy.local.settings import read_settings
from deploy.local.up import bring_up

DEMO_SPEED = "12"
REFRESH_SECONDS = 0.2
LONGEST_SECONDS = 150.0  # at the speed of speech, if the system was up already
STAGGER_SECONDS = 2
STATUS_STYLE = {"queued": "yellow", "in_progress": "cyan", "completed": "green", "failed": "red"}

REFUND = (
    "You are Maria Lopez, a customer who bought headphones two weeks ago. Your order number is 48213. "
    "They crackle on the left side. You want a refund. If asked about the packaging, say you threw it away."
)
POLICY = "You are Tom Baker and you bought a jacket yesterday. Ask about the refund policy: you want to know how long you have."
SCENARIOS = [
    REFUND,
    "Ask for the opening hours on Sunday.",
    "You are an angry customer. You ordered a lamp three weeks ago, order number A-7731, and it has not arrived. "
    "Complain about the delayed shipment until you get a delivery date.",
    "Ask to speak to a human.",
    "Ask an unrelated trivia question: who painted the Mona Lisa?",
]
SPOKEN = "You want to know the opening hours on Saturday."
console = Console()


async def show(url: str, keys: dict[str, Any]) -> None:
    """Run the show."""
    headers = {"Authorization": f"Bearer {keys['api_key']}"}
    async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=10, trust_env=False) as client:
        before = (await client.get("/v1/billing")).json()
        body = {
            "target_type": "agent",
            "target_id": keys["agent_id"],
            "direction": "outbound",
            "consent_to_charge": True,
        }
        spoken = await _spoken(client, body)
        single = await _created(client, "/v1/test-calls", {**body, "direction": "inbound", "scenario_prompt": POLICY})
        batch = await _created(
            client,
            "/v1/test-call-batches",
            {
                **body,
                "target_type": "phone_number",
                "target_id": keys["phone_number_id"],
                "name": "Five scenarios",
                "run_count": 5,
                "stagger_seconds": STAGGER_SECONDS,
                "scenario_prompts": SCENARIOS,
            },
        )
        ids = [single["id"], *batch["run_ids"], *([spoken["id"]] if spoken is not None else [])]
        runs = await _watch(client, ids)
        for run in runs:
            console.print(_transcript(run))
        if spoken is not None:
            await _sound(client, next(run for run in runs if run["id"] == spoken["id"]))
        await _bill(client, runs, before)


async def _spoken(client: httpx2.AsyncClient, body: dict[str, Any]) -> dict[str, Any] | None:
    """Place a call over SIP, at the speed of speech; None where this deployment makes none."""
    asked = {**body, "mode": "sip", "recording": True, "scenario_prompt": SPOKEN}
    answer = await client.post("/v1/test-calls", json=asked)
    if answer.status_code == 400:
        console.print(f"[yellow]no call over SIP[/]: {escape(answer.text)}")
        return None
    if answer.status_code != 201:
        raise SystemExit(f"POST /v1/test-calls answered {answer.status_code}: {answer.text}")
    created: dict[str, Any] = answer.json()
    console.print(
        f"POST /v1/test-calls, mode=sip → [green]201[/], id {created['id']}: packets and speech, in real time"
    )
    return created


async def _sound(client: httpx2.AsyncClient, run: dict[str, Any]) -> None:
    """Print a spoken call's latency figures with their uncertainty, and where its recording lies."""
    figures = await client.get(f"/v1/calls/{run['call_id']}/figures")
    audio = await client.get(f"/v1/calls/{run['call_id']}/audio")
    if figures.status_code == 200:
        told = figures.json()
        off = f"± {told['latency_uncertainty_ms']} ms"
        latencies = ", ".join(str(one["latency_ms"]) for one in told["agent_latencies"])
        console.print(
            f"call {run['call_id']}: set up in {told['set_up_ms']} ms; the agent's latency p50 "
            f"[bold]{told['agent_latency_p50_ms']} ms[/] {off}, p95 {told['agent_latency_p95_ms']} ms {off} ({latencies})"
        )
    if audio.status_code == 200:
        console.print(f"its recording, left the bot, right the agent: {audio.json()['url']}", soft_wrap=True)


async def _created(client: httpx2.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    if answer.status_code != 201:
        raise SystemExit(f"POST {path} answered {answer.status_code}: {answer.text}")
    created: dict[str, Any] = answer.json()
    console.print(f"POST {path} → [green]201[/], id {created['id']}, estimate {created['estimated_cost_cents']} cents")
    return created


async def _watch(client: httpx2.AsyncClient, ids: list[int]) -> list[dict[str, Any]]:
    """Show each run's status as it changes, until all have ended and are billed."""
    async with asyncio.timeout(LONGEST_SECONDS):
        with Live(console=console, refresh_per_second=10) as live:
            while True:
                found = (await client.get("/v1/test-calls", params={"limit": 200})).json()
                runs = sorted((run for run in found if run["id"] in ids), key=lambda run: int(run["id"]))
                live.update(_progress(runs))
                billed = (await client.get("/v1/billing")).json()
                ended = all(run["status"] in ("completed", "failed") for run in runs)
                if ended and billed["held_cents"] == 0:
                    return runs
                await asyncio.sleep(REFRESH_SECONDS)


def _progress(runs: list[dict[str, Any]]) -> Group:
    table = Table("run", "batch", "status", "started at", "seconds", "scenario", title="Test calls, live", expand=False)
    for run in runs:
        style = STATUS_STYLE[run["status"]]
        started = (run["started_at"] or "")[11:23]
        seconds = "" if run["duration_seconds"] is None else str(run["duration_seconds"])
        scenario = escape(run["scenario_prompt"][:60]) + ("…" if len(run["scenario_prompt"]) > 60 else "")
        table.add_row(
            str(run["id"]), str(run["batch_id"] or ""), f"[{style}]{run['status']}[/]", started, seconds, scenario
        )
    return Group(table)


def _transcript(run: dict[str, Any]) -> Panel:
    lines = []
    for turn in run["transcript"]:
        who = {"user": "[cyan]bot  [/]", "assistant": "[magenta]agent[/]"}.get(turn["role"], "[dim]tool [/]")
        lines.append(f"[dim]{turn['start_ms'] / 1_000:5.1f} s[/] {who} {escape(turn['content'])}")
    outcome = run["error_message"] or f"{run['direction']} · {run['duration_seconds']} s"
    return Panel("\n".join(lines), title=f"run {run['id']} · call {run['call_id']} · {outcome}", title_align="left")


async def _bill(client: httpx2.AsyncClient, runs: list[dict[str, Any]], before: dict[str, Any]) -> None:
    entries = (await client.get("/v1/billing/entries", params={"limit": 200})).json()["results"]
    table = Table("run", "estimated →", "reserved →", "settled", "released", title="The bill, in US cents")
    for run in runs:
        mine = {entry["kind"]: entry["amount_cents"] for entry in entries if entry["run_id"] == run["id"]}
        table.add_row(
            str(run["id"]),
            str(run["estimated_cost_cents"]),
            *(str(mine.get(kind, 0)) for kind in ("hold", "settle", "release")),
        )
    console.print(table)
    after = (await client.get("/v1/billing")).json()
    console.print(f"balance: {before['balance_usd']} USD before → [bold]{after['balance_usd']} USD[/] after")


def _next_steps(url: str, metrics: str) -> str:
    return f"""[bold]What to try next[/] (the key is in .local/rehearsal.env)

  set -a; . .local/rehearsal.env; set +a
  curl -s -H "Authorization: Bearer $REHEARSAL_API_KEY" $REHEARSAL_URL/v1/test-calls?limit=1
  curl -s -H "Authorization: Bearer $REHEARSAL_API_KEY" -H "Content-Type: application/json" \\
    -d '{{"target_type":"agent","target_id":'$REHEARSAL_AGENT_ID',"direction":"inbound","consent_to_charge":true}}' \\
    $REHEARSAL_URL/v1/test-calls
  # the second organisation has no funds: 402 (and with $REHEARSAL_AGENT_ID, which is not its own: 404)
  curl -s -H "Authorization: Bearer $REHEARSAL_SECOND_API_KEY" -H "Content-Type: application/json" \\
    -d '{{"target_type":"agent","target_id":'$REHEARSAL_SECOND_AGENT_ID',"direction":"inbound","consent_to_charge":true}}' \\
    $REHEARSAL_URL/v1/test-calls

  API reference: {url}/docs    metrics: {metrics}/metrics    make status · make logs · make down"""


def main() -> None:
    """Bring the system up and run the show."""
    if "CALL_SPEED" not in read_settings().values:
        os.environ["CALL_SPEED"] = DEMO_SPEED
    from deploy.demo.seed import KEYS_FILE, keys_of

    settings = bring_up()
    asyncio.run(show(settings.api_url, keys_of(KEYS_FILE)))
    metrics = f"http://127.0.0.1:{settings.ops_port('api')}"
    console.print(_next_steps(settings.api_url, metrics), highlight=False, soft_wrap=True)


if __name__ == "__main__":
    try:
        main()
    except TimeoutError:
        sys.exit(f"the calls did not end within {LONGEST_SECONDS:.0f} s: make status, make logs")
