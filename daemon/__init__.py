"""careloop: keeps a company's performance connections going."""

PRODUCT = "careloop"
"""The mark by which the front door knows this package from another one named `daemon`."""

__version__ = "0.1.0"
