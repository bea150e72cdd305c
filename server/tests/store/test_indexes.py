"""Which indexes there may be."""

from __future__ import annotations

from backboard_server.store.database import Connection


async def test_only_primary_keys_begin_with_the_tenant(owner: Connection) -> None:
    """A plan made while a table was empty might take one for the other, and read all of a tenant."""
    rows = await owner.fetch(
        """
        SELECT i.indexrelid::regclass::text AS name
        FROM pg_index AS i
        JOIN pg_class AS c ON c.oid = i.indrelid
        JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE c.relnamespace = 'backboard'::regnamespace AND a.attname = 'tenant_id'
          AND NOT i.indisprimary AND i.indpred IS NULL
        """
    )

    assert [row["name"] for row in rows] == []
