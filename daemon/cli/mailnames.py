"""What the world's mail servers are told about the sender's domain: SPF and DMARC."""

from daemon.cli import dns
from daemon.cli.health import Ailment
from daemon.config.model import Config

LOCAL = ("localhost", "example", "test", "invalid", "local")

Examined = tuple[list[Ailment], list[str]]
"""What ails, and what could not be looked at, with the reason."""


def examine_sender(config: Config, asked: list[dns.Server] | None = None) -> Examined:
    """Look up what receivers look up before they trust a letter."""
    domain = config.mail.sender.rpartition("@")[2].lower()
    if config.mail.kind == "maildir" or domain.rpartition(".")[2] in LOCAL:
        return [], [f"SPF, DKIM, DMARC of {domain}: letters do not leave this machine"]
    dkim = (
        f"DKIM of {domain}: its selector is known to the mail server alone; look for dkim=pass "
        "under Authentication-Results of a letter that arrived"
    )
    try:
        return _ailments(domain, dns.servers() if asked is None else asked), [dkim]
    except dns.NoAnswer as no:
        return [], [f"SPF, DKIM, DMARC of {domain}: no name server answered for {no}"]


def _ailments(domain: str, asked: list[dns.Server]) -> list[Ailment]:
    policies = [one for one in dns.texts(domain, asked) if one.lower().startswith("v=spf1")]
    found = []
    if len(policies) != 1:
        found.append(_spf(domain, len(policies)))
    elif policies[0].rstrip().endswith("+all"):
        found.append(
            Ailment(
                f"the SPF record of {domain} ends in +all",
                "anybody may send as you, so receivers trust nobody",
                f'publish: {domain}. TXT "{policies[0].replace("+all", "~all")}"',
            )
        )
    reports = f"_dmarc.{domain}"
    if not [one for one in dns.texts(reports, asked) if one.lower().startswith("v=dmarc1")]:
        found.append(
            Ailment(
                f"{domain} has no DMARC record",
                "large mail services refuse or hide letters from such a domain",
                f'publish: {reports}. TXT "v=DMARC1; p=none; rua=mailto:postmaster@{domain}"',
            )
        )
    return found


def _spf(domain: str, count: int) -> Ailment:
    what = "no SPF record" if count == 0 else f"{count} SPF records, and only one may be"
    return Ailment(
        f"{domain} has {what}",
        "receivers cannot tell your mail server from a stranger's",
        f'publish: {domain}. TXT "v=spf1 mx ~all"',
    )
