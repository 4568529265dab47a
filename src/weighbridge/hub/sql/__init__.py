"""Names, people, permissions and trees of file names, in SQL. No byte of any file.

- `tables`: what is kept, one class a table.
- `Database`: opens it, brings it to the newest version by migrations, and gives sessions to read and to write in.

Only `weighbridge.hub` imports this. Queries keep to what SQLite and PostgreSQL share; what is particular to one of
them is set when a connection opens (engine.py) and nowhere else.
"""

from weighbridge.hub.sql.database import Database

__all__ = ["Database"]
