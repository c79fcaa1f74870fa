"""Untrusted text is shown literally: in the report, its charts, the terminal, the Rosetta page and the claims table."""

import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from experiments import locations
from experiments.errors import WorkerDied, one_line
from experiments.trials.workload import workload_named
from sweeps import markdown
from sweeps.console import Terminal
from sweeps.planning import view
from sweeps.planning.forecast import forecast
from sweeps.planning.plan import Collapsed, Dropped
from sweeps.reporting import claims, figures, quality, rosetta, tables, watch
from sweeps.reporting.results import Case, Results
from tests.pages import page
from tests.plans import made_up
from tests.sweeps.reporting.test_claims import CLAIM, FILE, summary
from tests.sweeps.reporting.test_report import record

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "\"'><img src=x onerror=alert(3)>",
    "<!--",
    "]]>",
    "{{ 7 * 7 }}",
    "${alert(4)}",
    "`x`",
    "[/]",
    "[red]x",
    "[link=http://x]y[/link]",
    ":smile:",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "a\rb",
    "\u202eevil",
    "\u2028",
    "\\u003cscript>",
    "&lt;b&gt;",
]
EVIL = " ".join(
    HOSTILE
)  # all at once, where rendering takes a second; a single one that is not escaped still changes the page


def hostile_results(evil: str) -> Results:
    """Results in which every name, reason, error and tag that MLflow can return is `evil`."""
    plan = record().plan
    renamed = {"pytorch": evil, "tensorflow": f"{evil} too", "chainer": "chainer"}
    runs = (
        record(error=evil)
        .runs.replace(renamed)
        .assign(host=[evil, *["here"] * 17], revision=evil, environment=evil, repeats="", trial="t", run="r")
    )
    changes = {
        "sweep": evil,
        "adapters": list(renamed.values()),
        "natives": {renamed[name]: plan.natives[name] for name in renamed},
        "unavailable": {evil: evil},
        "unverified": [evil],
        "device": evil,
        "workload": plan.workload.model_copy(update={"name": evil, "dataset": evil}),
        "dropped": [Dropped(adapter=evil, setting=evil, choice=evil, reason=evil)],
        "collapsed": [Collapsed(adapter=evil, setting=evil, kept=evil, reason=evil)],
    }
    plan = plan.model_copy(update=changes)
    certificates = {evil: [Case(passed=False, dtype=evil, max_difference={evil: 1.0})]}
    return Results(evil, evil, evil, evil, plan, runs, certificates=certificates)


class Elements(HTMLParser):
    """Every element with its attributes, and the text of scripts."""

    def __init__(self, page: str):
        super().__init__()
        self.elements, self.scripts, self.text = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, tuple(sorted(name for name, _ in attributes))))

    def handle_data(self, data):
        (self.scripts if self.elements and self.elements[-1][0] == "script" and self.cdata_elem else self.text).append(
            data
        )


def test_hostile_text_changes_no_element_of_the_report_and_charts_are_data():
    """A missing escape would add an element, an attribute or a script."""
    results = hostile_results("plain"), hostile_results(EVIL)
    plain, evil = map(page, results)
    found = Elements(evil)
    assert found.elements == Elements(plain).elements
    assert sum(tag == "script" for tag, _ in found.elements) == 2
    assert not {name for _, names in found.elements for name in names if name.startswith("on")}
    assert "".join(found.text).count(EVIL) >= 10
    drawn = figures.charts(results[1])
    (embedded,) = re.findall(r"const charts = (.*);\n", evil)
    assert "<" not in embedded and json.loads(embedded) == json.loads(json.dumps(drawn)) and drawn


def test_the_terminal_shows_hostile_text_literally():
    found = hostile_results(EVIL)
    console = Terminal(file=io.StringIO(), force_terminal=True, width=900, color_system=None, legacy_windows=False)
    console.print(watch.view(found), *tables.tables(found))
    for line in (f"x {EVIL}", *quality.warnings(found)):
        console.say(line, "red")
    said = console.file.getvalue()
    visible = re.sub(r"\s+", " ", "".join(sign if sign.isprintable() else " " for sign in EVIL)).strip()
    assert visible in re.sub(r"\s+", " ", said) and all(sign.isprintable() or sign == "\n" for sign in said)


def test_the_terminal_shows_brackets_in_a_plan_literally():
    dropped = [{"adapter": "a", "setting": "s", "choice": "c", "reason": "[nchw] only [/]"}]
    plan = made_up(dropped=dropped)
    console = Terminal(file=io.StringIO())
    for line in view.lines(plan, forecast(plan, {}, None, None)):
        console.say(line)
    assert "dropped: a: s=c: [nchw] only [/]\n" in console.file.getvalue()


@pytest.mark.parametrize("evil", [*HOSTILE, "a\nb", "x" * 100_000], ids=lambda evil: ascii(evil[:30]))
def test_an_error_that_quotes_hostile_text_is_one_line(evil):
    said = str(WorkerDied(f"first {evil} last"))
    assert said.isprintable() and said.startswith("first ") and said.endswith(" last") and len(said) < 2100
    assert one_line(said) == said or len(evil) > 2000


@pytest.mark.parametrize("evil", [*HOSTILE, "a | b\n| c", "\\|", "![x](http://x/y.png)"], ids=ascii)
def test_the_table_of_claims_escapes_published_text(evil, tmp_path):
    cells = {}
    for said in ("plain", evil):
        claim = claims.Claim(**{**CLAIM, "lesson": said, "published": said})
        declared = claims.Claims(said, {}, [claim])
        cells[said] = claims.report(declared, [claims.judge(claim, summary(-3.0, -1.0, "matters"))], {}).splitlines()
    table = [len(re.findall(r"(?<!\\)\|", line)) for line in cells[evil] if line.startswith("|")]
    assert len(cells[evil]) == len(cells["plain"]) and set(table) == {6}
    assert not any(re.search(r"<|\[[^\]]*\]\(", line) for line in cells[evil])
    assert FILE["source"] == markdown.quoted(FILE["source"])


def test_hostile_text_changes_no_element_of_the_rosetta_page(tmp_path):
    workload = workload_named("cifar10_cnn")
    column = rosetta.column("pytorch", workload, tmp_path)
    pages = [
        Elements(
            rosetta.html(
                [replace(column, spec=column.spec._replace(name=said, framework=said, python=said), file=said)],
                workload,
            )
        )
        for said in ("plain", EVIL)
    ]
    assert pages[0].elements == pages[1].elements


def test_an_unwritable_output_is_a_one_line_error(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "page.html", tmp_path):
        with pytest.raises(locations.SweepError, match="can't be written: .*; choose another place with --output"):
            locations.write(path, "x")
