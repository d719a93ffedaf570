"""iCalendar in and out: the words connectors share. `Readings` (_readings.py) is what tells busy
time; it reads in guarded children and remembers."""

from connectors._ical_busy import Fault, Reading, busy
from connectors._ical_lines import Unreadable
from connectors._ical_read import Event, Parcel, read
from connectors._ical_write import write

__all__ = ["Event", "Fault", "Parcel", "Reading", "Unreadable", "busy", "read", "write"]
