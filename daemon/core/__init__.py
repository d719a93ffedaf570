"""The rules: pure functions over the words; no clock, no I/O, `now` is an argument."""
