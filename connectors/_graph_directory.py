"""The people of a tenant from Entra ID: read once in full, then by what has changed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

from connectors._graph_session import Graph, Refused
from connectors._graph_words import STALE_TOKEN, code_of
from daemon.config.model import Organization
from daemon.core.domain import Email, Hours, Person, Problem, Roster, email
from daemon.core.ports import CredentialsRefused, Trouble
from daemon.core.roster import check_reporting_lines

_FIELDS = (
    "id,displayName,mail,accountEnabled,userType,preferredLanguage,jobTitle,department,"
    "usageLocation,employeeHireDate"
)
_MANAGER = "manager($levels=1;$select=id)"


@dataclass(slots=True)
class People:
    """What Entra ID said, by object id. `link`: where the changes since then are asked for."""

    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    managers: dict[str, str] = field(default_factory=dict)
    link: str = ""


class GraphDirectory:
    """The port `Directory` over Graph."""

    def __init__(self, graph: Graph, organization: Organization, hours: Hours) -> None:
        """`organization` and `hours`: what a person gets who has none of their own."""
        self.graph = graph
        self._organization = organization
        self._hours = hours
        self._known: People | None = None

    def people(self) -> Roster:
        """Read everybody. Raises `Trouble`, or `CredentialsRefused` where consent is missing."""
        try:
            self._known = self._changed(self._known) or self._everybody()
            members = self._members()
        except Refused as refused:
            self._known = None
            if refused.said.status == 403:
                raise CredentialsRefused(_CONSENT) from refused
            raise
        except Trouble:
            self._known = None  # half a change is no knowledge: the next reading is a full one
            raise
        return self._roster(self._known, members)

    def _everybody(self) -> People:
        """Read all users; the link for changes is fetched first, so that none is lost between."""
        start = self.graph.pages(
            f"/users/delta?$select={_FIELDS},manager&$deltatoken=latest", "users"
        )
        known = People(link=str(start[-1].get("@odata.deltaLink") or ""))
        url = f"/users?$select={_FIELDS}&$expand={quote(_MANAGER, safe='($;=)')}&$top=999"
        for user in _values(self.graph.pages(url, "users")):
            _learn(known, user)
            manager = user.get("manager")
            if isinstance(manager, Mapping):
                known.managers[str(user["id"])] = str(manager.get("id"))
        return known

    def _changed(self, known: People | None) -> People | None:
        """Take in what has changed; None where a full reading is needed (no link, or expired)."""
        if known is None or not known.link:
            return None
        try:
            pages = self.graph.pages(known.link, "changed users")
        except Refused as refused:
            if refused.said.status == 410 or code_of(refused.said.body) in STALE_TOKEN:
                return None
            raise
        for user in _values(pages):
            _learn(known, user)
        known.link = str(pages[-1].get("@odata.deltaLink") or "")
        return known

    def _members(self) -> frozenset[str] | None:
        """The ids of the people in `[microsoft] group`; None: everybody is meant."""
        group = self.graph.settings.group
        if not group:
            return None
        url = f"/groups/{group}/transitiveMembers/microsoft.graph.user?$select=id&$top=999"
        return frozenset(str(one.get("id")) for one in _values(self.graph.pages(url, "the group")))

    def _roster(self, known: People, members: frozenset[str] | None) -> Roster:
        taken = {
            name: user
            for name, user in known.users.items()
            if _works_here(user) and (members is None or name in members)
        }
        people: dict[Email, Person] = {}
        problems: list[Problem] = []
        refused: set[Email] = set()
        for name, user in sorted(taken.items()):
            address, boss = email(str(user["mail"])), known.managers.get(name)
            if address in people:
                problems.append(Problem(address, "two users have this address", "change one"))
                continue
            if boss and boss not in taken:
                problems.append(_lost_manager(address, known.users.get(boss)))
                refused.add(address)
            manager = email(str(taken[boss]["mail"])) if boss in taken else None
            people[address] = self._person(address, user, manager)
        self.graph.know({email(str(user["mail"])): name for name, user in taken.items()})
        checked = check_reporting_lines(people.values())
        return Roster(
            checked.people, (*problems, *checked.problems), checked.refused | frozenset(refused)
        )

    def _person(self, address: Email, user: Mapping[str, Any], manager: Email | None) -> Person:
        country = str(user.get("usageLocation") or "")
        language = _language(user.get("preferredLanguage"))
        return Person(
            email=address,
            name=str(user.get("displayName") or address),
            manager=manager,
            zone=self._organization.zone,
            hours=self._hours,
            country=country or self._organization.country,
            language=language or self._organization.language,
            start_date=_day(user.get("employeeHireDate")),
            role=str(user.get("jobTitle") or ""),
            unit=str(user.get("department") or ""),
            stated=frozenset(
                name for name, said in (("country", country), ("language", language)) if said
            ),
        )


_CONSENT = (
    "Microsoft does not let the app read people: grant User.Read.All (with a group also "
    "GroupMember.Read.All) as application permissions, with admin consent"
)


def _values(pages: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for page in pages:
        yield from (one for one in page.get("value") or [] if isinstance(one, Mapping))


def _learn(known: People, user: Mapping[str, Any]) -> None:
    """Take one user in, whole or as a change (Graph, users: delta)."""
    name = str(user.get("id"))
    if "@removed" in user:
        known.users.pop(name, None)
        known.managers.pop(name, None)
        return
    known.users.setdefault(name, {}).update(user)
    for change in user.get("manager@delta") or []:
        if "@removed" not in change:
            known.managers[name] = str(change.get("id"))
        elif known.managers.get(name) == str(change.get("id")):
            del known.managers[name]


def _works_here(user: Mapping[str, Any]) -> bool:
    """Tell whether this is somebody to care for: no guest, not disabled, with a mailbox."""
    guest = str(user.get("userType") or "Member").lower() == "guest"
    return bool(user.get("accountEnabled") and user.get("mail")) and not guest


def _lost_manager(address: Email, boss: Mapping[str, Any] | None) -> Problem:
    name = str((boss or {}).get("displayName") or "somebody unknown")
    return Problem(
        address,
        f"the manager in Entra ID ({name}) is disabled, a guest, without mail or not in the group",
        "set another manager in Entra ID",
    )


def _language(said: object) -> str:
    """A language tag, as it is; empty where it is none."""
    tag = str(said or "")
    return tag if tag.replace("-", "").isalnum() else ""


def _day(said: object) -> date | None:
    """A date; Entra ID says year 1 where there is none."""
    try:
        day = datetime.fromisoformat(str(said)[:10]).date()
    except ValueError:
        return None
    return day if day.year > 1900 else None
