"""The verbs and what each does, as `careloop --help` shows them. Imports nothing: help is quick."""

GROUPS = {
    "To begin": {
        "demo": "An invented company lives one full cycle; nothing leaves the machine.",
        "init": "Set up a folder: configuration, sample roster, secret, unit file.",
        "check": "Check configuration, roster and templates: every problem in one run.",
        "doctor": "Examine the live world: credentials, calendars, mail path, clock, disk.",
    },
    "To run": {
        "plan": "Show what the next turns would book and send; change nothing.",
        "run": "Run the service: loop, pages, metrics.",
        "web": "Serve the pages alone.",
        "status": "Show where every pair stands, and what is owed to the world.",
    },
    "For one person": {
        "explain": "Tell why a meeting is where it is, or why there is none.",
        "preview": "Show a letter as it would be written now.",
        "pause": "Pause somebody's meetings.",
        "resume": "Resume somebody's meetings.",
        "export": "Write out everything that is known of a person.",
        "erase": "Erase what is known of a person.",
    },
    "To look after it": {
        "simulate": "Fast-forward on a copy: windows kept, moves, letters, managers' time.",
        "backup": "Copy the state while the service runs.",
        "restore": "Put a backup in place of the state.",
    },
}

VERBS = {name: summary for group in GROUPS.values() for name, summary in group.items()}

USAGE = "Usage: careloop [--config FILE] VERB [OPTIONS]"


def page() -> str:
    """The text of `careloop --help`."""
    parts = [USAGE, "", "Keeps a company's performance connections going.", ""]
    for title, group in GROUPS.items():
        parts += [f"{title}:", *(f"  {name:<10}{said}" for name, said in group.items()), ""]
    return "\n".join([*parts, _TAIL])


_TAIL = """Options:
  --config FILE  before or after the verb; default ./config.toml,
                 then /etc/careloop/config.toml
  --version      show the version
  --help         show this page; after a verb, that verb's options

Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 partly done,
12 credentials refused.
"""
