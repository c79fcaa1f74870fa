"""`rosetta`: one network's code in several frameworks, side by side."""

from pathlib import Path

import click

from adapters import ADAPTERS
from experiments import locations
from sweeps.commands import arguments
from sweeps.commands.session import Session, with_session


@click.command()
@click.argument("adapters", nargs=-1, required=True, type=arguments.Name("adapter", ADAPTERS))
@click.option("--workload", default="cifar10_cnn", show_default=True, help="Workload whose network is shown.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="HTML file to write.  [default: rosetta/NETWORK-ADAPTERS.html in --home]",
)
@with_session
def rosetta(session: Session, adapters: tuple[str, ...], workload: str, output: Path | None) -> None:
    """Write a page that shows a network in several frameworks.

    The code of the ADAPTERS stands side by side, section by section.
    """
    from experiments.trials.workload import workload_named
    from sweeps.reporting import rosetta as stone

    names = list(dict.fromkeys(adapters))
    chosen = workload_named(workload)
    columns = [stone.column(name, chosen, locations.cache()) for name in names]
    page = (output or session.home / "rosetta" / f"{chosen.model}-{'-'.join(names)}.html").absolute()
    locations.write(page, stone.html(columns, chosen))
    session.console.say(f"Page: {page}")
    verified = {column.spec.name: column.cases is not None and not column.failed for column in columns}
    session.result(
        {"adapters": names, "workload": workload, "network": chosen.model, "page": str(page), "verified": verified}
    )
