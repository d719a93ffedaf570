"""The Workspace directory: who works here, and for whom."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from connectors._google_transport import Call, Workspace
from connectors._google_words import Failure
from daemon.config.model import Organization
from daemon.core.domain import OFFICE_HOURS, Email, Hours, Person, Problem, Roster, email
from daemon.core.ports import CredentialsRefused, Trouble

PAGE = 500
MOST_PAGES = 400
"""Beyond 200,000 people something is wrong with the paging."""
WHERE = "Google directory"

_FIELDS = (
    "nextPageToken,users(primaryEmail,aliases,nonEditableAliases,emails,name,suspended,archived,"
    "relations,organizations,addresses,languages,orgUnitPath)"
)

User = Mapping[str, Any]


class GoogleDirectory:
    """The `Directory` of a Workspace (daemon/core/ports.py)."""

    def __init__(
        self, workspace: Workspace, organization: Organization, hours: Hours = OFFICE_HOURS
    ) -> None:
        self._workspace = workspace
        self._surface = workspace.directory()
        self._organization = organization
        self._hours = hours

    def people(self) -> Roster:
        """See `Directory.people`: everybody who is neither suspended nor archived."""
        users = [user for user in self._users() if _is_active(user)]
        names = _addresses(users)
        problems: list[Problem] = []
        people = [self._person(user, names, problems.append) for user in users]
        return Roster(tuple(people), (*problems, *_circles(people)))

    def _users(self) -> list[User]:
        users: list[User] = []
        token: str | None = None
        for _ in range(MOST_PAGES):
            page = self._page(token)
            users += [user for user in page.get("users", ()) if user.get("primaryEmail")]
            following = page.get("nextPageToken")
            if not following:
                return users
            if following == token:
                break
            token = str(following)
        raise Trouble("Google's directory does not come to an end; nothing of it is used")

    def _page(self, token: str | None) -> Mapping[str, Any]:
        settings = self._workspace.settings
        asked = self._surface.api.users.list(
            customer=settings.customer,
            maxResults=PAGE,
            projection="full",
            viewType="admin_view",
            query=settings.people_query or None,
            fields=_FIELDS,
            pageToken=token,
        )
        (reply,) = self._workspace.run(self._surface, [Call(settings.reads_directory_as, asked)])
        if isinstance(reply, Failure):
            raise _trouble(reply)
        return reply

    def _person(
        self, user: User, names: Mapping[str, Email], report: Callable[[Problem], None]
    ) -> Person:
        address = email(str(user["primaryEmail"]))
        country, language = _country(user), _language(user)
        job = _preferred(user.get("organizations"))
        return Person(
            email=address,
            name=str(user.get("name", {}).get("fullName") or address),
            manager=_manager(address, user, names, report),
            zone=self._organization.zone,
            hours=self._hours,
            country=country or self._organization.country,
            language=language or self._organization.language,
            role=str(job.get("title") or ""),
            unit=str(job.get("department") or str(user.get("orgUnitPath") or "").strip("/")),
            stated=frozenset(
                name for name, said in (("country", country), ("language", language)) if said
            ),
        )


def _is_active(user: User) -> bool:
    return not user.get("suspended") and not user.get("archived")


def _addresses(users: Iterable[User]) -> dict[str, Email]:
    """Everybody's addresses, aliases too, and the main one each stands for."""
    names: dict[str, Email] = {}
    for user in users:
        main = email(str(user["primaryEmail"]))
        others = [entry.get("address", "") for entry in _entries(user.get("emails"))]
        for name in (*others, *user.get("aliases", ()), *user.get("nonEditableAliases", ())):
            names.setdefault(email(str(name)), main)
    return names | {
        email(str(user["primaryEmail"])): email(str(user["primaryEmail"])) for user in users
    }


def _manager(
    address: Email, user: User, names: Mapping[str, Email], report: Callable[[Problem], None]
) -> Email | None:
    """Resolve the relation `manager`, which is free text: an address, an alias, or something
    that is reported."""
    said = [
        str(entry.get("value", ""))
        for entry in _entries(user.get("relations"))
        if entry.get("type") == "manager" and entry.get("value")
    ]
    known = list(dict.fromkeys(names[email(one)] for one in said if email(one) in names))
    where = f"{WHERE}, {address}"
    if said and not known:
        what = f"the manager {said[0]!r} is nobody in the directory"
        report(Problem(where, what, "write the manager's address into the user's details"))
    if len(known) > 1:
        report(Problem(where, f"several managers; {known[0]} is taken", "leave one of them"))
    if known[:1] == [address]:
        report(Problem(where, "is their own manager", "correct the user's details"))
        return None
    return known[0] if known else None


def _circles(people: Sequence[Person]) -> list[Problem]:
    """Report each circle of managers once; its pairs are served all the same."""
    manager_of = {person.email: person.manager for person in people}
    done: set[Email] = set()
    problems = []
    for start in sorted(manager_of):
        path: list[Email] = []
        who: Email | None = start
        while who is not None and who not in done and who in manager_of:
            done.add(who)
            path.append(who)
            who = manager_of[who]
        if who is not None and who in path:
            circle = [*path[path.index(who) :], who]
            what = "managers in a circle: " + " -> ".join(circle)
            problems.append(Problem(WHERE, what, "correct one of them if this is not meant"))
    return problems


def _country(user: User) -> str:
    said = str(_preferred(user.get("addresses"), "work").get("countryCode") or "")
    return said.upper() if len(said) == 2 and said.isalpha() else ""


def _language(user: User) -> str:
    spoken = [entry for entry in _entries(user.get("languages")) if entry.get("languageCode")]
    spoken.sort(key=lambda entry: entry.get("preference") != "preferred")
    return str(spoken[0]["languageCode"]) if spoken else ""


def _preferred(said: Any, kind: str = "") -> Mapping[str, Any]:
    """The entry marked primary, else the one of this type, else the first."""
    entries = _entries(said)
    entries.sort(key=lambda one: (not one.get("primary"), one.get("type") != kind))
    return entries[0] if entries else {}


def _entries(said: Any) -> list[Mapping[str, Any]]:
    listed = said if isinstance(said, list) else []
    return [entry for entry in listed if isinstance(entry, Mapping)]


def _trouble(reply: Failure) -> Trouble:
    reason = f"the Google directory could not be read: {reply.result.reason}"
    return (CredentialsRefused if reply.whole or reply.status == 403 else Trouble)(reason)
