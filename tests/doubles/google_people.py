"""The directory of the local Google: users in pages."""

from typing import Any

from tests.doubles.google_books import Account, Books, Oops
from tests.doubles.google_calendars import Handler, Query


class People:
    """Directory API v1: users.list."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self.admins: set[str] = set()
        self.queries: list[str] = []

    def handlers(self) -> dict[str, Handler]:
        """What answers which method."""
        return {"directory.users.list": self._list}

    def _list(self, subject: str, _n: object, query: Query, _b: object, _h: object) -> Any:
        if subject not in self.admins:
            raise Oops(403, "forbidden", "Not Authorized to access this resource/api")
        self.queries += query.get("query", [])
        size = min(500, int(query.get("maxResults", ["100"])[0]))
        start = int(query.get("pageToken", ["0"])[0])
        accounts = sorted(self._books.accounts.values(), key=lambda one: one.address)
        users = [_user(account) for account in accounts[start : start + size]]
        more = start + size < len(accounts)
        return {
            "kind": "admin#directory#users",
            "users": users,
            **({"nextPageToken": str(start + size)} if more else {}),
        }


def _user(account: Account) -> dict[str, Any]:
    name = account.address.split("@")[0].title()
    return {
        "kind": "admin#directory#user",
        "primaryEmail": account.address,
        "name": {"fullName": name, "givenName": name},
        "suspended": account.suspended,
        "archived": False,
        "orgUnitPath": "/Staff",
        **account.profile,
    }
