"""The stage of `careloop demo`: an invented company, its people, and a window to watch them."""
