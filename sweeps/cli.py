"""The command line: what `python sweep.py` understands."""

import json
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable
from functools import partial, wraps
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from adapters import ADAPTERS, load_spec, unknown
from adapters.contract.settings import SETTINGS
from adapters.contract.spec import AdapterSpec, Supported
from experiments import locations
from experiments.errors import RosettaError, SweepError, TrackingError
from experiments.trials.workload import workload_named
from sweeps.console import Terminal
from sweeps.planning import config, planner, view
from sweeps.state import SweepFolder, latest

DEFAULT_SWEEP = locations.PROJECT / "sweeps" / "configs" / "article.yaml"
DEFAULT_CLAIMS = locations.PROJECT / "sweeps" / "configs" / "claims.yaml"
INTERRUPTED = 130


class Session:
    """What every verb shares: where state lives and where people are spoken to. JSON has standard output to itself."""

    def __init__(self, home: Path | None, as_json: bool):
        self.home = home.absolute() if home else locations.home()
        self.as_json = as_json
        self.console = Terminal(stderr=as_json)

    def result(self, value: Any) -> None:
        if self.as_json:
            click.echo(json.dumps(value, allow_nan=False))


def verb(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command --home and --json, and turn errors a user can act on into one line and an exit status."""

    @click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="Where sweeps keep their state.")
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output, and nothing else.")
    @wraps(function)
    def command(home: Path | None, as_json: bool, **options: Any) -> None:
        try:
            function(Session(home, as_json), **options)
        except RosettaError as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(2)
        except (
            OSError
        ) as error:  # no room, no right to write, a file that went away: of this machine, never of what was asked
            click.echo(
                f"error: {error.filename or 'a file'}: {error.strerror or error}; what is done is kept, the same command goes on from there",
                err=True,
            )
            sys.exit(2)
        except KeyboardInterrupt:
            click.echo("interrupted: what is done is kept; the same command goes on from there", err=True)
            sys.exit(INTERRUPTED)

    return command


def _names(context: click.Context, option: click.Parameter, value: str | None) -> list[str] | None:
    return value.split(",") if value else None


@click.group(
    invoke_without_command=True,
    epilog=f"State (ledger, mlflow.db, trials, reports) lives in {locations.home()} (--home or ROSETTA_HOME); environments and "
    f"prepared data in {locations.cache()} (ROSETTA_CACHE).",
    context_settings={"max_content_width": 100},
)
@click.pass_context
def main(context: click.Context) -> None:
    """Train one network in every framework under every combination of their defaults; without a verb: run the article's sweep."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if context.invoked_subcommand is None:
        context.invoke(main.commands["run"])


@main.command()
@click.argument("file", type=click.Path(path_type=Path), default=DEFAULT_SWEEP)
@click.option("--fresh", is_flag=True, help="Start anew; what an earlier start did stays where it is.")
@click.option("--unverified", is_flag=True, help="Run adapters without a certificate too; the report says so.")
@click.option("--adapters", callback=_names, help="Only these of the sweep's adapters, as a sweep of its own.")
@click.option("--settings", callback=_names, help="Only these of its settings, likewise.")
@verb
def run(
    session: Session, file: Path, fresh: bool, unverified: bool, adapters: list[str] | None, settings: list[str] | None
) -> None:
    """Run a sweep to its end, or go on with it where it stopped; then write its report."""
    declared = config.load(file)
    if adapters or settings:
        declared = config.part(declared, adapters, settings)
    if unverified:
        declared = config.without_certificates(declared)
    from sweeps.execution import driver  # ray, mlflow and optuna take seconds to import

    session.result(driver.run(declared, session.home, fresh, session.console))


@main.command()
@click.argument("file", type=click.Path(path_type=Path), default=DEFAULT_SWEEP)
@click.option(
    "--deviation",
    type=click.FloatRange(min=0, min_open=True),
    help="Of one run's accuracy by its seed, in points; by earlier runs of the workload if not given.",
)
@click.option(
    "--effect",
    type=click.FloatRange(min=0, min_open=True),
    help="How many seeds see an effect of this size, in the same unit.",
)
@verb
def plan(session: Session, file: Path, deviation: float | None, effect: float | None) -> None:
    """Show which trials a sweep has, which cells are not there and why, and how small an effect it can see."""
    from sweeps.planning import forecast  # scipy takes a second to import

    declared = config.load(file)
    made = planner.plan(declared)
    found = forecast.forecast(made, _pilots(session, declared), deviation, effect)
    session.console.print(view.table(made))
    for line in view.lines(made, found):
        session.console.say(line)
    session.result({**made.as_dict(), **found.as_dict()})


def _pilots(session: Session, declared: config.Sweep) -> dict[str, Any]:
    """Earlier trials of the workload; a plan is shown without them where MLflow is away."""
    from experiments.recording import tracking  # mlflow takes seconds to import
    from sweeps.planning import pilot

    try:
        return dict(pilot.pilots(tracking.read_pilot(session.home, declared.workload, declared.device)))
    except TrackingError as error:
        session.console.say(f"without earlier trials: {error}", "yellow")
        return {}


def _adapters(context: click.Context, option: click.Parameter, value: str | Iterable[str] | None) -> list[str]:
    return [
        _adapter(context, option, name) for name in (value.split(",") if isinstance(value, str) else value or ADAPTERS)
    ]


def _adapter(context: click.Context, option: click.Parameter, name: str) -> str:
    if name not in ADAPTERS:
        raise click.BadParameter(unknown("adapter", name, list(ADAPTERS)))
    return name


choose_device = click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
choose_adapters = click.option("--adapters", callback=_adapters, help="Names, separated by commas; all if not given.")


@main.command()
@choose_adapters
@choose_device
@verb
def setup(session: Session, adapters: list[str], device: str) -> None:
    """Build the frameworks' environments ahead of a sweep; exit status 1 if one can't be had."""
    from sweeps.execution import node

    made, holes = node.build_environments(map(load_spec, adapters), device, session.console)
    for name, new in made.items():
        session.console.print(f"{name}: {'built' if new else 'ready'}")
    session.result({"cache": str(locations.cache()), "built": made, "unavailable": holes})
    sys.exit(1 if holes else 0)


@main.command()
@choose_adapters
@click.option("--workload", help="Whose network to compare; every network if not given.")
@click.option(
    "--sweep", "file", type=click.Path(path_type=Path), help="Only what this sweep needs and nobody has verified here."
)
@choose_device
@verb
def verify(session: Session, adapters: list[str], workload: str | None, file: Path | None, device: str) -> None:
    """Prove that adapters compute the same function as the reference; exit status 1 if one does not, or can't run here.

    With --sweep an adapter that can't run here is left out, as the sweep itself leaves it out.
    """
    from experiments.verification import equivalence
    from sweeps.execution import node

    models = [workload_named(workload).model] if workload else list(equivalence.WORKLOADS)
    among = wanted = {model: [name for name in adapters if model in load_spec(name).models] for model in models}
    if file:
        declared = config.load(file)
        wanted, device = {declared.workload.model: node.uncertified(declared)}, declared.device
        among = dict.fromkeys(
            wanted, list(declared.adapters)
        )  # certified ones too: while one of them runs, a hole is no error
    results: list[equivalence.Result] = []
    holes: dict[str, str] = {}
    shown = partial(_show_result, session.console)
    for model, lacking in wanted.items():
        if lacking:
            node.build_environments([load_spec("reference")], "cpu", session.console)
            made, missing = node.build_environments(map(load_spec, among[model]), device, session.console)
            holes |= missing
            results += equivalence.verify(
                [name for name in lacking if name in made], model, device, locations.cache(), shown
            )
    passed = all(result.passed for result in results) and (file is not None or not holes)
    verdict = "every case agrees with the reference" if results else "nothing to verify: the certificates are there"
    session.console.say(verdict if passed else "not every case agrees with the reference", "" if passed else "red")
    session.result({"passed": passed, "results": [result.as_dict() for result in results], "unavailable": holes})
    sys.exit(0 if passed else 1)


def _show_result(console: Terminal, result: Any) -> None:
    numbers = ", ".join(f"{name} {value:.1e}" for name, value in result.max_difference.items())
    verdict, colour = ("passed", "green") if result.passed else ("FAILED", "red")
    facts = result.error or f"{numbers} (at most {result.case.tolerance:g}, {result.case.steps} steps)"
    console.say(f"{verdict} {result.adapter} {result.workload} {result.case.name}: {facts}", colour)


@main.command()
@click.option("--from", "source", callback=_adapter, required=True, help="The adapter that trained the run.")
@click.option("--to", "target", callback=_adapter, required=True, help="The adapter that gets its weights.")
@click.option("--run", "run_id", required=True, help="A trial's run id in MLflow, of a sweep with keep_weights: true.")
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="Where the weights go, as a canonical .npz."
)
@verb
def transfer(session: Session, source: str, target: str, run_id: str, output: Path | None) -> None:
    """Move a trained network to another framework, and prove on the whole test set that both predict the same; exit 1 if not."""
    from experiments.trials.trial import check_network
    from experiments.verification import transfer as moving
    from sweeps.execution import node

    with tempfile.TemporaryDirectory() as scratch:
        trained = moving.find(session.home, run_id, source, Path(scratch))
        check_network(target, trained.workload)
        node.build_environments(map(load_spec, [source, target]), "cpu", session.console)
        output = output or session.home / "transfers" / f"{run_id}.npz"
        moved = moving.transfer(trained, target, output, locations.cache())
    for line in _transfer_lines(moved):
        session.console.say(line)
    session.result(moved)
    sys.exit(0 if moved["passed"] else 1)


def _transfer_lines(moved: dict[str, Any]) -> list[str]:
    verdict = "the same predictions" if moved["passed"] else "NOT the same predictions"
    near = "" if moved["same_classes"] else f", two best scores at most {moved['margin']:.1e} apart"
    return [
        f"{moved['from']} -> {moved['to']}: {verdict} on {moved['examples']} test examples, on the CPU in {moved['precision']}",
        f"largest difference of a score: {moved['max_difference']:.1e} (at most {moved['tolerance']:.1e})",
        f"examples of another class: {moved['differing']}{near}",
        f"accuracy: {moved['accuracy_from']:.4f} in {moved['from']}, {moved['accuracy_to']:.4f} in {moved['to']}",
        f"weights: {moved['weights']}",
    ]


@main.command()
@click.argument("adapters", nargs=-1, required=True, callback=_adapters)
@click.option("--workload", default="cifar10_cnn", show_default=True, help="Whose network to show.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Where the page goes.")
@verb
def rosetta(session: Session, adapters: list[str], workload: str, output: Path | None) -> None:
    """Write a page that shows one network in the chosen frameworks, section beside section."""
    from sweeps.reporting import rosetta as stone

    adapters = list(dict.fromkeys(adapters))
    chosen = workload_named(workload)
    columns = [stone.column(name, chosen, locations.cache()) for name in adapters]
    page = (output or session.home / "rosetta" / f"{chosen.model}-{'-'.join(adapters)}.html").absolute()
    locations.write(page, stone.html(columns, chosen))
    session.console.say(f"Page: {page}")
    verified = {column.spec.name: column.cases is not None and not column.failed for column in columns}
    session.result(
        {"adapters": adapters, "workload": workload, "network": chosen.model, "page": str(page), "verified": verified}
    )


@main.command("adapters")
@click.option(
    "--read-back",
    is_flag=True,
    help="Read the native values back from every framework whose environment is built; exit status 1 if one differs.",
)
@verb
def show_adapters(session: Session, read_back: bool) -> None:
    """Show what each framework does if nobody asks, and what it can be asked for."""
    specs = [load_spec(name) for name in ADAPTERS]
    table = Table("setting", *(spec.name for spec in specs), title="Native values")
    for name in SETTINGS:
        table.add_row(name, *(_native(spec.position(name)) for spec in specs))
    session.console.print(table)
    found = {spec.name: _read_back(session, spec) for spec in specs} if read_back else {}
    shown = {spec.name: {name: _position(spec.position(name)) for name in SETTINGS} for spec in specs}
    session.result(
        {
            name: {**positions, "read_back": found[name]} if found.get(name) else positions
            for name, positions in shown.items()
        }
    )
    sys.exit(any(network["differs"] for networks in found.values() for network in networks.values()))


def _read_back(session: Session, spec: AdapterSpec) -> dict[str, Any]:
    """{network: {"settings", "versions", "differs": a line, "" where all is as declared}}; nothing without an environment."""
    from experiments.preparation.environments import Environment
    from experiments.running.runner import mismatch
    from experiments.verification import read_back

    if not Environment(spec, "cpu", locations.cache()).ready:
        session.console.print(
            f"{spec.name}: its environment is not built; python sweep.py setup --adapters {spec.name}"
        )
        return {}
    found = {}
    for model in spec.models:
        read = read_back.read_back(spec, model, locations.cache())
        found[model] = {**read, "differs": mismatch(spec.native(model), read["settings"])}
        verdict = found[model]["differs"] or f"{len(spec.native(model))} settings as declared"
        session.console.say(f"{spec.name} {read['versions']['framework']}, {model}: {verdict}")
    return found


def _native(position: Any) -> str:
    return position.native if isinstance(position, Supported) else "-"


def _position(position: Any) -> dict[str, Any]:
    return {"supported": isinstance(position, Supported), **position._asdict()}


@main.command("report")
@click.argument("name", required=False)
@verb
def show_report(session: Session, name: str | None) -> None:
    """Write a sweep's report from MLflow; NAME is the sweep's name or file, the latest sweep if not given."""
    from experiments.recording import tracking
    from sweeps.reporting import publish

    name = _sweep_name(session.home, name)
    folder = latest(session.home, name) or SweepFolder(session.home, name, 1)
    session.result(publish.write_report(tracking.last_sweep(session.home, name), folder, session.console))


@main.command()
@click.argument("name", required=False)
@click.option("--every", type=click.FloatRange(min=1), default=5, show_default=True, help="Seconds between two looks.")
@verb
def watch(session: Session, name: str | None, every: float) -> None:
    """Watch a running sweep: cells done, effects so far, warnings; NAME as for report. Ends when the sweep is complete."""
    from experiments.recording import tracking
    from sweeps.reporting import publish
    from sweeps.reporting import watch as watching
    from sweeps.reporting.results import summary

    found = tracking.last_sweep(session.home, _sweep_name(session.home, name))
    session.result(summary(watching.watch(lambda: publish.read_results(found), session.console, every)))


@main.command()
@click.argument("name", required=False)
@verb
def sync(session: Session, name: str | None) -> None:
    """Bring MLflow up to date with what a sweep has kept: after an outage, or to fill a new server; NAME as for report."""
    from sweeps.execution import driver

    name = _sweep_name(session.home, name)
    folder = latest(session.home, name)
    if folder is None or not folder.plan.is_file():
        raise SweepError(f"there is no sweep '{name}' in '{session.home}'; run it first, or choose another --home")
    changed = driver.sync(folder)
    session.console.say(f"MLflow has sweep '{folder.title}': {changed} runs written or deleted")
    session.result({"sweep": folder.title, "changed": changed})


@main.command("claims")
@click.argument("file", type=click.Path(path_type=Path), default=DEFAULT_CLAIMS)
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="File for the claims report, in Markdown."
)
@verb
def show_claims(session: Session, file: Path, output: Path | None) -> None:
    """Run what is missing to judge each published claim of a file, and write the claims report."""
    from sweeps.execution import driver
    from sweeps.reporting import claims

    declared = claims.load(file)
    summaries = {name: driver.run(one, session.home, False, session.console) for name, one in declared.sweeps.items()}
    findings = [claims.judge(claim, summaries[claim.sweep]) for claim in declared.claims]
    table = Table("lesson", "compared", "measured", "verdict", title=f"Claims of {file.name}", show_lines=True)
    for one in findings:
        table.add_row(one.claim.lesson, claims.compared(one.claim), claims.measured(one), claims.ruling(one))
    session.console.print(table)
    output = (output or session.home / "claims.md").absolute()
    locations.write(output, claims.report(declared, findings, summaries))
    session.console.say(f"Claims report: {output}")
    session.result({"report": str(output), "findings": [one.as_dict() for one in findings]})


def _sweep_name(home: Path, name: str | None) -> str:
    if name:
        return config.load(Path(name)).name if name.endswith((".yaml", ".yml")) else config.checked_name(name)
    plans: Iterable[Path] = home.glob("*/*/plan.json")
    newest = max(plans, key=lambda path: path.stat().st_mtime, default=None)
    if newest is None:
        raise SweepError(f"there is no sweep in '{home}'; run one first, or name one, or choose another --home")
    return newest.parent.parent.name
