"""`claims`: published claims about defaults, compared with measurements."""

from pathlib import Path
from typing import Any

import click

from experiments import locations
from sweeps import configs
from sweeps.commands.session import Session, with_session


class ClaimsFile(click.ParamType[Any]):
    """A claims file, or the name of the shipped one."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if isinstance(value, Path) else configs.find_claims(value)


@click.command()
@click.argument("file", type=ClaimsFile(), default=configs.CLAIMS)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Markdown file to write.  [default: claims.md in --home]",
)
@with_session
def claims(session: Session, file: Path, output: Path | None) -> None:
    """Judge published claims about defaults.

    Runs what the sweeps of FILE lack, and writes a table of verdicts. The shipped claims (the default) need 410 trials,
    about 50 minutes on two CPU cores.
    """
    from rich.table import Table

    from sweeps.execution import driver
    from sweeps.reporting import claims as published

    declared = published.load(file)
    summaries = {name: driver.run(one, session.home, False, session.console) for name, one in declared.sweeps.items()}
    findings = [published.judge(claim, summaries[claim.sweep]) for claim in declared.claims]
    table = Table("lesson", "compared", "measured", "verdict", title=f"Claims of {file.name}", show_lines=True)
    for one in findings:
        table.add_row(one.claim.lesson, published.compared(one.claim), published.measured(one), published.ruling(one))
    session.console.print(table)
    output = (output or session.home / "claims.md").absolute()
    locations.write(output, published.report(declared, findings, summaries))
    session.console.say(f"Claims report: {output}")
    session.result({"report": str(output), "findings": [one.as_dict() for one in findings]})
