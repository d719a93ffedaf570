"""What careloop remembers: SQLAlchemy Core on SQLite or PostgreSQL, one file per noun."""
