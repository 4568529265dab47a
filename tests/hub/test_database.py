"""The schema, and what happens to a hub's folder that is not as expected."""

import sqlite3

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from weighbridge.errors import CorruptError, PathNotFoundError, StoreVersionError, UsageError
from weighbridge.hub import Hub
from weighbridge.hub.sql import tables


def test_the_migrations_make_the_tables_that_the_code_uses(hub):
    with hub.database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.Base.metadata) == []


def test_a_hub_is_made_only_on_request(tmp_path):
    with pytest.raises(PathNotFoundError):
        Hub.open(tmp_path / "none")
    assert list(tmp_path.iterdir()) == []


def test_a_hub_is_not_made_among_other_files(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(UsageError, match="other files"):
        Hub.open(tmp_path, create=True)
    with pytest.raises(UsageError, match="is a file"):
        Hub.open(tmp_path / "thesis.tex", create=True)


def test_a_database_of_a_later_version_is_refused(hub, tmp_path):
    hub.close()
    with sqlite3.connect(hub.data / "hub.sqlite") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreVersionError, match="9999"):
        Hub.open(hub.data)


def test_a_damaged_database_is_told(hub):
    hub.close()
    for path in hub.data.glob("hub.sqlite*"):
        path.unlink()
    (hub.data / "hub.sqlite").write_bytes(b"not a database " * 1000)
    with pytest.raises(CorruptError, match="damaged"):
        Hub.open(hub.data)


def test_a_deleted_repository_leaves_no_row(hub, ada, model):
    from sqlalchemy import func, select

    hub.repos.delete(ada, model)
    with hub.database.reading() as session:
        for table in (tables.RepoRow, tables.CommitRow, tables.NodeRow, tables.RefRow, tables.ReportRow):
            assert session.scalar(select(func.count()).select_from(table)) == 0
