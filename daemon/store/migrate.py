"""Which schema a store has, which one we know, and the way from one to the other."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from daemon.store.trouble import NewerStore, StoreTrouble

SCRIPTS = Path(__file__).with_name("migrations")


def known() -> tuple[str, ...]:
    """The schemas this careloop knows, oldest first. Told by the file names, so that a store that
    is current opens without alembic (0.3 s)."""
    return tuple(sorted(file.name[:4] for file in (SCRIPTS / "versions").glob("[0-9]*.py")))


def version(conn: Connection, name: str) -> str | None:
    """The schema of a store; None: it is empty. Raises `StoreTrouble` for a foreign database."""
    tables = inspect(conn).get_table_names()
    if "alembic_version" in tables:
        found: str | None = conn.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return found
    if "people" in tables or (tables and conn.dialect.name == "sqlite"):
        raise StoreTrouble(f"{name} belongs to another program: choose another [state] url")
    return None


def refuse_newer(found: str | None, name: str, kept: str = "FILE") -> None:
    """Raise `NewerStore` unless this careloop knows the schema."""
    if found is None or found in known():
        return
    raise NewerStore(
        f"{name} has schema {found}, written by a newer careloop; this one knows up to "
        f"{known()[-1]}. Install the newer careloop again, or go back to the copy made before "
        f"the upgrade: careloop restore {kept}"
    )


def upgrade(conn: Connection) -> None:
    """Bring the store to the newest schema, inside the transaction of `conn`: all or nothing.

    Daemons that start together wait for one another; the later ones find nothing to do.
    """
    from alembic.command import upgrade as run  # slow to import, and rarely needed
    from alembic.config import Config

    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(hashtext('careloop schema'))"))
    config = Config(attributes={"connection": conn})
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    run(config, "head")
