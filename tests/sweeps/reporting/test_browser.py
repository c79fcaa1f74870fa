"""The report in a real browser: an empty console, no request, figures drawn, readable on a phone."""

import json
import re
import subprocess

import pytest

from sweeps.reporting import figures
from tests.conftest import need_program
from tests.pages import page
from tests.sweeps.reporting.test_report import record

PHONE = 390  # pixels; chromium's window is no narrower than 500, so the page is made as narrow
PROBE = """<script>addEventListener("load", () => setTimeout(() => {
  const shown = [...document.querySelectorAll("body *")].filter((one) => !one.parentElement.closest(".scroll, .chart"));
  document.title = JSON.stringify({
    requests: performance.getEntriesByType("resource").map((one) => one.name),
    right: Math.max(...shown.map((one) => one.getBoundingClientRect().right)),
    charts: [...document.querySelectorAll(".chart")].map(
      (one) => [one.id, one.querySelectorAll("svg path, svg text, svg line").length]),
  });
}, 1000))</script>"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """(what the probe found, what was said on the console, what is to be drawn)"""
    chromium, folder = need_program("chromium", "chromium"), tmp_path_factory.mktemp("browser")
    shown = record()
    head, _, rest = page(shown).partition("</head>")
    body, _, _ = rest.rpartition("</body>")
    (folder / "report.html").write_text(
        f"{head}<style>html {{ width: {PHONE}px }}</style></head>{body}{PROBE}</body></html>"
    )
    command = [
        chromium,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={folder / 'profile'}",
        "--enable-logging=stderr",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--window-size=500,900",
        "--virtual-time-budget=20000",
        "--dump-dom",
        (folder / "report.html").as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    title = re.search(r"<title>(\{.*?\})</title>", done.stdout)
    assert title, done.stderr[-2000:]
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    # Vega-Lite warns of every facet whose layers share an axis, and of a width that fits where a height does not.
    return json.loads(title[1]), [line for line in said if '"WARN ' not in line], figures.charts(shown)


def test_nothing_is_said_on_the_console_and_nothing_is_asked_for(seen):
    found, console, _ = seen
    assert not console, "\n".join(console)
    assert found["requests"] == []


def test_every_figure_is_drawn(seen):
    found, _, charts = seen
    drawn = dict(found["charts"])
    assert drawn.keys() == charts.keys() and all(marks > 10 for marks in drawn.values()), drawn


def test_nothing_but_what_scrolls_is_wider_than_a_phone(seen):
    assert seen[0]["right"] <= PHONE
