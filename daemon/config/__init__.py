"""The configuration: TOML into models, every problem at once."""
