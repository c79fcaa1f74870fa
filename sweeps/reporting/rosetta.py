"""The Rosetta page: one network in several frameworks side by side, in one HTML file that opens offline."""

import ast
import itertools
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from adapters import load_spec
from adapters.contract.spec import AdapterSpec, Supported
from adapters.networks import SETTINGS
from experiments.locations import PROJECT
from experiments.preparation import certificates
from experiments.program import command
from experiments.trials.trial import check_network
from experiments.trials.workload import Workload

SET_UP = "Set-up"  # the code before the first section
SECTIONS = (SET_UP, "Network", "Loss", "Optimizer", "Step", "Predict", "Weights", "Report")
HEADING = re.compile(r"    # ([A-Z][a-z]+)")
DECIDED = re.compile(r'settings\["(\w+)"\]')
STYLES = {"light": "default", "dark": "github-dark"}


@dataclass(frozen=True)
class Column:
    """One adapter on the page. sections: {section: code}. cases: of its stored certificate; None without one."""

    spec: AdapterSpec
    file: str
    sections: dict[str, str]
    cases: list[dict[str, Any]] | None

    def decided(self, section: str) -> list[str]:
        """The settings that the section's code reads, in the order of the catalog."""
        found = set(DECIDED.findall(self.sections.get(section, "")))
        return [name for name in SETTINGS if name in found]

    def native(self, setting: str) -> str:
        position = self.spec.position(setting)
        return position.native if isinstance(position, Supported) else "-"

    def remark(self, setting: str) -> str:
        """Where the default is documented, or why the setting is not supported."""
        position = self.spec.position(setting)
        return position.evidence if isinstance(position, Supported) else position.reason

    @property
    def failed(self) -> int:
        return sum(not case["passed"] for case in self.cases or [])


def column(name: str, workload: Workload, cache: Path) -> Column:
    """Read an adapter's code and certificate. Raises SweepError if it lacks the workload's network."""
    check_network(name, workload)
    spec = load_spec(name)
    module, implementation = spec.models[workload.model].split(":")
    path = PROJECT.joinpath(*module.split(".")).with_suffix(".py")
    cases = certificates.read(spec, workload.model, "cpu", cache)
    return Column(spec, str(path.relative_to(PROJECT)), sections(path.read_text(), implementation), cases)


# Sections


def sections(source: str, implementation: str) -> dict[str, str]:
    """{section: code} of a model class, in the order of the file.

    A section begins at a comment of one word in the class's body. It includes the tables and helpers that it is the
    first to use. Imports, and code that no section uses, belong to the set-up.
    """
    lines, body = source.splitlines(), ast.parse(source).body
    model = next(node for node in body if isinstance(node, ast.ClassDef) and node.name == implementation)
    starts = _starts(lines, model)
    chunks = _chunks(lines, body)
    users = {section: _nodes(model, span) for section, span in starts.items()}
    owners = _owners(users, [node for node in body if node is not model])
    code = {}
    for section, (first, last) in starts.items():
        own = [chunks[node] for node in body if owners.get(node) == section]
        code[section] = "\n".join([*own, "", "", textwrap.dedent("\n".join(lines[first:last])).strip("\n")]).strip("\n")
    return code


def _starts(lines: list[str], model: ast.ClassDef) -> dict[str, tuple[int, int]]:
    """{section: (first line, line after the last)}, counted from 0, without the headings."""
    begin, end = model.lineno - 1, model.end_lineno or len(lines)
    headings = [(number, found[1]) for number in range(begin, end) if (found := HEADING.fullmatch(lines[number]))]
    bounds = [(begin - 1, SET_UP), *headings, (end, "")]
    return {name: (number + 1, after) for (number, name), (after, _) in itertools.pairwise(bounds)}


def _nodes(model: ast.ClassDef, span: tuple[int, int]) -> list[ast.stmt]:
    return [node for node in model.body if span[0] < node.lineno <= span[1]]


def _chunks(lines: list[str], body: list[ast.stmt]) -> dict[ast.stmt, str]:
    """{statement of the file: its source, with the comments and empty lines before it}."""
    ends = itertools.pairwise([0, *(node.end_lineno or 0 for node in body)])
    return {node: "\n".join(lines[start:end]) for node, (start, end) in zip(body, ends, strict=True)}


def _owners(used_by: dict[str, list[ast.stmt]], helpers: list[ast.stmt]) -> dict[ast.stmt, str]:
    """{statement outside the class: the first section that uses its names, directly or through another statement}."""
    owners: dict[ast.stmt, str] = {}
    for section, nodes in used_by.items():
        waiting = list(nodes)
        while waiting:
            used = _names(waiting.pop())
            mine = [helper for helper in helpers if helper not in owners and _defined(helper) & used]
            owners.update(dict.fromkeys(mine, section))
            waiting += mine
    return {helper: owners.get(helper, SET_UP) for helper in helpers}


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _defined(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    return (
        {target.id for target in node.targets if isinstance(target, ast.Name)}
        if isinstance(node, ast.Assign)
        else set()
    )


# HTML


def html(columns: list[Column], workload: Workload) -> str:
    """The page: one HTML file that opens offline."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["highlighted"] = highlighted
    return environment.get_template("rosetta.html.j2").render(
        columns=columns,
        command=command,
        workload=workload,
        sections=[name for name in SECTIONS if any(name in column.sections for column in columns)],
        settings=workload.definition.settings,
        styles={scheme: token_styles(style) for scheme, style in STYLES.items()},
    )


def highlighted(code: str) -> Markup:
    """Python source as highlighted HTML; Pygments escapes it."""
    return Markup(highlight(code, PythonLexer(), HtmlFormatter(nowrap=True)))


def token_styles(style: str) -> Markup:
    """The CSS of a Pygments style's tokens, without that of its page and line numbers."""
    return Markup("\n".join(HtmlFormatter(style=style).get_token_style_defs("pre")))
