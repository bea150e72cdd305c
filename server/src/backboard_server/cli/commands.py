"""What can be typed: each command reads its options and calls below, importing no more than it needs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

import typer

from backboard_server.domain.errors import BackboardError, Invalid

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from backboard_server.models.shown import ShownModel
    from backboard_server.settings import Settings

app = typer.Typer(
    help="Backboard, self-hosted: the state of LLM applications behind one API.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
keys = typer.Typer(
    help="Make, list and revoke API keys, beside a running server or without one.", no_args_is_help=True
)
app.add_typer(keys, name="keys")
models = typer.Typer(help="List models, and ask providers which they have.", no_args_is_help=True)
app.add_typer(models, name="models")
budgets = typer.Typer(
    help="Set, list and remove what tenants and keys may spend, beside a running server.",
    no_args_is_help=True,
)
app.add_typer(budgets, name="budgets")

DataDir = Annotated[
    Path | None, typer.Option(help="The data folder. Default: BACKBOARD_DATA_DIR, else one of yours.")
]
BudgetTenant = Annotated[str, typer.Option(help="Whose budget.")]
BudgetKey = Annotated[
    UUID | None,
    typer.Option(help="One key's, by its id as `keys list` shows it. Without: all of the tenant."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def main() -> None:
    """Run the command that was typed; a failure that we know is one sentence and exit code 1."""
    try:
        app()
    except BackboardError as error:
        sys.exit(f"backboard: {error.message}")


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on. Default: 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="The port; 0 takes a free one. Default: 8000.")] = None,
    data_dir: DataDir = None,
    workers: Annotated[
        int | None, typer.Option(help="How many web processes share the port. Default: 1.")
    ] = None,
    worker: Annotated[bool, typer.Option("--worker/--no-worker", help="Also run the job worker.")] = True,
    allow_generated_key: Annotated[
        bool, typer.Option(help="Listen beyond this machine with no other key than the generated one.")
    ] = False,
) -> None:
    """Start everything that one machine needs: Postgres, web processes, the job worker."""
    from .serve import serve

    settings = _settings(host=host, port=port, data_dir=data_dir, workers=workers)
    serve(settings, has_worker=worker, is_generated_key_allowed=allow_generated_key)


@app.command()
def work(
    data_dir: DataDir = None,
    parent: Annotated[int | None, typer.Option(hidden=True, help="End when this process ends.")] = None,
) -> None:
    """Run the job worker alone, against a database that another process runs."""
    from .work import work

    work(_settings(data_dir=data_dir), parent=parent)


@app.command()
def demo() -> None:
    """Hold a conversation with a server that is restarted in the middle, and print what happened."""
    from .demo import demo

    demo()


@app.command()
def migrate(
    data_dir: DataDir = None,
    check: Annotated[
        bool, typer.Option(help="Change nothing; exit with 1 if there is something to do.")
    ] = False,
) -> None:
    """Bring the tables of the database to this release. `serve` does so by itself."""
    from backboard_server.store.migrate import migrate

    from .database import entered_database

    with entered_database(_settings(data_dir=data_dir)) as owner:
        names = asyncio.run(migrate(owner, check_only=check))
    for name in names:
        typer.echo(f"{'pending' if check else 'done'}: {name}")
    if not names:
        typer.echo("The database is up to date.")
    if check and names:
        raise typer.Exit(1)


@app.command()
def doctor(data_dir: DataDir = None) -> None:
    """Look at everything that the server needs, and say what to do about what is missing."""
    from .doctor import examine

    findings = asyncio.run(examine(_settings(data_dir=data_dir)))
    for finding in findings:
        typer.echo(str(finding))
    if any(finding.kind == "wrong" for finding in findings):
        raise typer.Exit(1)


@keys.command("create")
def create_key(
    tenant: Annotated[str, typer.Option(help="Whose key; a tenant that is not there yet is made.")],
    name: Annotated[str, typer.Option(help="What the key is for, as lists show it.")] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. It is shown now and never again."""
    from .keys import create

    created = create(_settings(data_dir=data_dir), tenant, name)
    if as_json:
        _print_json(created)
    else:
        typer.echo(created.api_key)


@keys.command("list")
def list_keys(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List every key, oldest first: its id, its tenant, how it begins, its name, whether it is revoked."""
    from .keys import list_all

    listed = list_all(_settings(data_dir=data_dir))
    if as_json:
        _print_json(listed)
    else:
        for key in listed:
            state = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else "valid"
            typer.echo(f"{key.id}  {key.tenant_name}  {key.shown}  {state}  {key.name}")


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[UUID, typer.Argument(help="The key's id, as `keys list` shows it.")],
    data_dir: DataDir = None,
) -> None:
    """Revoke a key for good; servers stop taking it within a second."""
    from .keys import revoke

    revoked = revoke(_settings(data_dir=data_dir), key_id)
    typer.echo(f"Revoked {revoked.shown} of {revoked.tenant_name}.")


@budgets.command("set")
def set_budget(
    tenant: BudgetTenant,
    usd: Annotated[float, typer.Option(help="How many US dollars may be spent in a period.")],
    period: Annotated[
        Literal["day", "month", "total"],
        typer.Option(help="A day or a month of the calendar, in UTC, or all."),
    ] = "month",
    key: BudgetKey = None,
    data_dir: DataDir = None,
) -> None:
    """Set a budget in the place of the one before; what the period has cost already counts."""
    from .budgets import line, set_one

    typer.echo(line(set_one(_settings(data_dir=data_dir), tenant, key, usd, period)))


@budgets.command("list")
def list_budgets(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List every budget with what is spent and what is left of it."""
    from .budgets import line, list_all

    listed = list_all(_settings(data_dir=data_dir))
    if as_json:
        _print_json(listed)
    else:
        for budget in listed:
            typer.echo(line(budget))


@budgets.command("remove")
def remove_budget(tenant: BudgetTenant, key: BudgetKey = None, data_dir: DataDir = None) -> None:
    """Remove a budget: from the next message on nothing is held to it."""
    from .budgets import remove

    remove(_settings(data_dir=data_dir), tenant, key)
    typer.echo("Removed.")


@models.command("refresh")
def refresh_models(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Ask OpenRouter and every provider with a key for their lists. Running servers take them up."""
    from .models import refresh_all

    outcomes = refresh_all(_settings(data_dir=data_dir))
    if as_json:
        _print_json(outcomes)
    else:
        for outcome in outcomes:
            found = f"failed: {outcome.failure}" if outcome.failure else f"{outcome.models:,} listed"
            typer.echo(f"{outcome.provider}: {found}")
    if all(outcome.failure for outcome in outcomes):
        raise typer.Exit(1)


@models.command("list")
def list_models(
    provider: Annotated[str | None, typer.Option(help="Only those of this provider.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List every known model: what it is, how much it reads, its prices, whether it can be called now."""
    from .models import list_all

    listed = list_all(_settings(data_dir=data_dir), provider)
    if as_json:
        _print_json(listed)
    else:
        for model in listed:
            typer.echo(_line_of(model))


def _line_of(model: ShownModel) -> str:
    price = "no price"
    if model.input_cost_per_1m_tokens is not None:
        price = f"${model.input_cost_per_1m_tokens:g} in, ${model.output_cost_per_1m_tokens or 0:g} out"
    state = "usable" if model.is_usable else "no key"
    return f"{model.provider}/{model.name}  {model.model_type}  {model.context_limit:,}  {price}  {state}"


def _settings(**options: Any) -> Settings:
    """Return the environment's settings, with the options that were given in front of them."""
    from pydantic import ValidationError

    from backboard_server.settings import Settings

    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as error:
        raise Invalid("; ".join(_sentence(fault, options) for fault in error.errors())) from None


def _sentence(fault: ErrorDetails, options: Collection[str]) -> str:
    name = str(fault["loc"][0])
    option = f"--{name.replace('_', '-')} or " if name in options else ""
    return f"{option}BACKBOARD_{name.upper()}: {fault['msg']}"


def _print_json(answer: Any) -> None:
    import msgspec

    typer.echo(msgspec.json.encode(answer).decode())
