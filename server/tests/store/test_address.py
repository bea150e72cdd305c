"""Where a Postgres is and as whom to enter it."""

from __future__ import annotations

from backboard_server.store.address import APP_ROLE, Address, external


def test_an_embedded_address_names_socket_user_and_password() -> None:
    address = Address(host="a folder", user="someone", password="secret", database="backboard")

    arguments = address.connect_arguments()

    assert {name: arguments[name] for name in ("host", "port", "user", "password", "database")} == {
        "host": "a folder",
        "port": 5432,
        "user": "someone",
        "password": "secret",
        "database": "backboard",
    }
    assert "dsn" not in arguments


def test_every_session_finds_our_tables_and_counts_time_in_utc() -> None:
    settings = Address(host="a folder").connect_arguments()["server_settings"]

    assert settings == {
        "search_path": "backboard, public",
        "application_name": "backboard",
        "timezone": "UTC",
    }


def test_an_external_address_is_its_url() -> None:
    arguments = external("postgresql://me@db/x", as_app=False).connect_arguments()

    assert arguments["dsn"] == "postgresql://me@db/x"
    assert "role" not in arguments["server_settings"]
    assert "host" not in arguments


def test_requests_enter_an_external_address_in_the_applications_role() -> None:
    arguments = external("postgresql://me@db/x", as_app=True).connect_arguments()

    assert arguments["server_settings"]["role"] == APP_ROLE


def test_a_password_is_never_shown() -> None:
    embedded = Address(host="a folder", user="someone", password="secret")
    outside = external("postgresql://me:secret@db/x", as_app=True)

    for address in (embedded, outside):
        assert "secret" not in f"{address} {address!r} {[address]}"
