"""The public surface: what `backboard` exports, and the modules that the published SDK has too."""

from __future__ import annotations

import inspect
from types import ModuleType

import pytest

import backboard
from backboard import (
    AsyncMessageStream,
    BackboardClient,
    MessageStream,
    SyncBackboardClient,
    exceptions,
    models,
)


@pytest.mark.parametrize("module", [backboard, models])
def test_all_names_exactly_what_is_public_in_order(module: ModuleType) -> None:
    public = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    ]
    dunder = ["__version__"] if module is backboard else []

    assert module.__all__ == sorted([*public, *dunder])


def test_models_and_errors_are_to_be_had_from_the_package_and_from_their_modules() -> None:
    errors = [name for name in vars(exceptions) if name.startswith("Backboard")]

    assert set(models.__all__) | set(errors) <= set(backboard.__all__)


@pytest.mark.parametrize(
    ("written", "generated"), [(BackboardClient, SyncBackboardClient), (AsyncMessageStream, MessageStream)]
)
def test_both_kinds_have_the_same_methods_with_the_same_parameters(
    written: type[object], generated: type[object]
) -> None:
    def surface(kind: type[object]) -> dict[str, list[str]]:
        return {
            name.replace("aclose", "close"): list(inspect.signature(method).parameters)
            for name, method in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_")
        }

    assert surface(written) == surface(generated)
    assert "close" in surface(generated)
