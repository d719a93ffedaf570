"""careloop: keeps a company's performance connections going."""

__version__ = "0.1.0"
