"""`transfer`: a trained network, moved to another framework."""

import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from adapters import ADAPTERS, load_spec
from sweeps.commands import arguments
from sweeps.commands.session import Session, with_session

ADAPTER = arguments.Name("adapter", ADAPTERS)


@click.command()
@click.option("--from", "source", type=ADAPTER, required=True, help="Adapter that trained the run.")
@click.option("--to", "target", type=ADAPTER, required=True, help="Adapter that receives its weights.")
@click.option(
    "--run",
    "run_id",
    required=True,
    help="MLflow run id of a trial, from a sweep with keep_weights: true.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Canonical .npz file to write the weights to.  [default: transfers/RUN.npz in --home]",
)
@with_session
def transfer(session: Session, source: str, target: str, run_id: str, output: Path | None) -> None:
    """Move a trained network's weights to another framework.

    Both networks predict the whole test set. Exit status 1 if their predictions differ.
    """
    from experiments.locations import cache
    from experiments.trials.trial import check_network
    from experiments.verification import transfer as weights
    from sweeps.execution import node

    with tempfile.TemporaryDirectory() as scratch:
        trained = weights.find(session.home, run_id, source, Path(scratch))
        check_network(target, trained.workload)
        node.build_environments(map(load_spec, [source, target]), "cpu", session.console)
        output = output or session.home / "transfers" / f"{run_id}.npz"
        moved = weights.transfer(trained, target, output, cache())
    for line in _lines(moved):
        session.console.say(line)
    session.result(moved)
    sys.exit(0 if moved["passed"] else 1)


def _lines(moved: dict[str, Any]) -> list[str]:
    verdict = "the same predictions" if moved["passed"] else "NOT the same predictions"
    near = "" if moved["same_classes"] else f", two best scores at most {moved['margin']:.1e} apart"
    return [
        f"{moved['from']} -> {moved['to']}: {verdict} on {moved['examples']} test examples, "
        f"on the CPU in {moved['precision']}",
        f"largest difference of a score: {moved['max_difference']:.1e} (at most {moved['tolerance']:.1e})",
        f"examples of another class: {moved['differing']}{near}",
        f"accuracy: {moved['accuracy_from']:.4f} in {moved['from']}, {moved['accuracy_to']:.4f} in {moved['to']}",
        f"weights: {moved['weights']}",
    ]
