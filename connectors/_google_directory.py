"""The Workspace directory: who works here, and for whom."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from connectors._google_transport import Call, Workspace
from connectors._google_words import Failure
from daemon.config.model import Organization
from daemon.core.domain import Email, Hours, Person, Problem, Roster, email
from daemon.core.ports import CredentialsRefused, Trouble
from daemon.core.roster import check_reporting_lines

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

    def __init__(self, workspace: Workspace, organization: Organization, hours: Hours) -> None:
        """`organization` and `hours`: what a person gets who has none of their own."""
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
        places = {person.email: f"{WHERE}, {person.email}" for person in people}
        roster = check_reporting_lines(people, places)
        return replace(roster, problems=(*problems, *roster.problems))

    def _users(self) -> list[User]:
        users: list[User] = []
        token: str | None = None
        for _ in range(MOST_PAGES):
            page = self._page(token)
            users += [user for user in page.get("users", ()) if user.get("primaryEmail")]
            following = page.get("nextPageToken")
            if not following and not users:
                raise Trouble("Google's directory names nobody: check customer and people_query")
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
    """Resolve the relation `manager`, which is free text: an address, an alias or a mere name
    (nobody is called that, so it is reported with the other unknown managers)."""
    said = [
        str(entry.get("value", "")).strip()
        for entry in _entries(user.get("relations"))
        if entry.get("type") == "manager" and entry.get("value")
    ]
    known = list(dict.fromkeys(names[email(one)] for one in said if email(one) in names))
    where = f"{WHERE}, {address}"
    if len(known) > 1:
        report(Problem(where, f"several managers; {known[0]} is taken", "leave one of them"))
    if known:
        return known[0]
    return email(said[0]) if said else None


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
