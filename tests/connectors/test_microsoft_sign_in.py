"""One token for the tenant: fetched, kept, renewed, or refused with the cure."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import certifi
import jwt
import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from connectors._graph_parts import Part
from connectors._graph_session import Graph, shared
from connectors._http import Http, Limits
from daemon.config.microsoft import Microsoft
from daemon.core.ports import CredentialsRefused, Trouble
from tests.connectors.contract import a_meeting, an_invite, at
from tests.connectors.microsoft_world import World
from tests.doubles.microsoft import SECRET, TENANT, Double, Fault
from tests.doubles.microsoft_books import Reply

LOOK = Part("GET", "/users/delta?$deltatoken=latest")


def tokens_fetched(double: Double) -> int:
    return len([asked for asked in double.requests() if asked.path.endswith("/token")])


def test_one_token_serves_many_calls(office: World) -> None:
    graph = office.graph()

    for _ in range(5):
        graph.ask(LOOK, "users")

    assert tokens_fetched(office.double) == 1


def test_a_token_that_is_no_longer_taken_is_renewed_once(office: World) -> None:
    graph = office.graph()
    graph.ask(LOOK, "users")
    office.double.tokens.clear()

    said = graph.ask(LOOK, "users")

    assert said.ok
    assert tokens_fetched(office.double) == 2


def test_a_token_nobody_takes_is_refused(office: World) -> None:
    office.double.tokens = _Forgetful()

    with pytest.raises(CredentialsRefused, match="does not accept our token"):
        office.graph().ask(LOOK, "users")


class _Forgetful(set[str]):
    """Forgets every token it is given."""

    def add(self, _: str) -> None:
        """Forget it."""


REFUSALS = [
    (7000215, "the secret's value, not its id"),
    (7000222, "has expired: make a new one"),
    (700016, "check client_id and tenant"),
    (700027, "upload it, or renew"),
    (65001, "grant admin consent"),
    (53003, "conditional access"),
    (7000112, "enable it"),
    (99999, "check [microsoft]"),
]


@pytest.mark.parametrize(("number", "cure"), REFUSALS)
def test_each_refusal_says_what_to_do(office: World, number: int, cure: str) -> None:
    said = {"error": "invalid_client", "error_description": f"AADSTS{number}: no. Trace ID: x"}
    office.double.token_answer = Reply(401, said)

    with pytest.raises(CredentialsRefused) as caught:
        office.calendar.look([a_meeting(an_invite(at(10)))])

    assert cure in caught.value.reason
    assert f"AADSTS{number}" in caught.value.reason


@pytest.mark.parametrize(
    "answer",
    [
        Reply(503, None),
        Reply(429, None, {"Retry-After": "9"}),
        Reply(400, {"error": "temporarily_unavailable"}),
    ],
)
def test_an_outage_of_the_sign_in_is_not_a_refusal(office: World, answer: Reply) -> None:
    office.double.token_answer = answer

    with pytest.raises(Trouble) as caught:
        office.graph().ask(LOOK, "users")

    assert not isinstance(caught.value, CredentialsRefused)


def test_an_unknown_tenant_is_refused_with_the_cure(office: World) -> None:
    with pytest.raises(CredentialsRefused, match="check tenant"):
        office.graph(tenant="nowhere.example").ask(LOOK, "users")


def test_a_refusal_is_remembered_and_not_asked_for_again(office: World) -> None:
    office.double.token_answer = Reply(401, {"error_description": "AADSTS7000215: no"})
    graph = office.graph()

    for _ in range(4):
        with pytest.raises(CredentialsRefused):
            graph.ask(LOOK, "users")

    assert tokens_fetched(office.double) == 1


def test_a_new_secret_is_read_without_a_restart(office: World, tmp_path: Path) -> None:
    secret = tmp_path / "rotating"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    graph = office.graph(secret=f"file:{secret}")
    graph.ask(LOOK, "users")
    secret.write_text("another")
    office.double.tokens.clear()

    with pytest.raises(CredentialsRefused, match="AADSTS7000215"):
        graph.ask(LOOK, "users")


def test_a_secret_file_others_may_read_is_refused(office: World, tmp_path: Path) -> None:
    secret = tmp_path / "open"
    secret.write_text(SECRET)
    secret.chmod(0o644)

    with pytest.raises(CredentialsRefused, match="chmod 600"):
        office.graph(secret=f"file:{secret}").ask(LOOK, "users")


def test_neither_secret_nor_token_is_ever_logged(office: World) -> None:
    office.double.hurt = lambda a: Fault(403, code="ErrorAccessDenied") if a.part else None

    with structlog.testing.capture_logs() as lines:
        results = office.calendar.put([an_invite(at(10))])

    assert lines
    assert "token-" not in str(lines) + str(results)
    assert SECRET not in str(lines) + str(results)


class TestCertificate:
    @pytest.fixture
    def pem(self, tmp_path: Path) -> tuple[Path, x509.Certificate]:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "careloop")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(7)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=2))
            .sign(key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"open sesame"),
        )
        file = tmp_path / "app.pem"
        file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
        file.chmod(0o600)
        (tmp_path / "phrase").write_text("open sesame")
        (tmp_path / "phrase").chmod(0o600)
        return file, made

    def test_the_assertion_is_signed_with_the_certificate(
        self,
        office: World,
        pem: tuple[Path, x509.Certificate],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        file, certificate = pem
        forms = _forms(office.double, monkeypatch)
        given = {"secret": None, "certificate": f"file:{file}"}
        phrase = f"file:{file.parent / 'phrase'}"

        said = office.graph(**given, passphrase=phrase).ask(LOOK, "users")

        assertion = forms[0]["client_assertion"][0]
        header = jwt.get_unverified_header(assertion)
        public = certificate.public_key()
        assert isinstance(public, rsa.RSAPublicKey)
        claims = jwt.decode(assertion, public, ["PS256"], audience=_audience(office))
        digest = hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).digest()
        assert said.ok
        assert claims["iss"] == "careloop-app"
        assert base64.urlsafe_b64decode(header["x5t#S256"] + "==") == digest
        assert "client_secret" not in forms[0]

    def test_a_key_without_its_certificate_is_refused_with_the_cure(
        self, office: World, pem: tuple[Path, x509.Certificate]
    ) -> None:
        file, _ = pem
        file.write_text(file.read_text().partition("-----BEGIN CERTIFICATE")[0])

        with pytest.raises(CredentialsRefused, match="into one PEM file"):
            office.graph(secret=None, certificate=f"file:{file}").ask(LOOK, "users")

    def test_a_locked_key_without_its_passphrase_is_refused(
        self, office: World, pem: tuple[Path, x509.Certificate]
    ) -> None:
        file, _ = pem

        with pytest.raises(CredentialsRefused, match=r"check \[microsoft\]"):
            office.graph(secret=None, certificate=f"file:{file}").ask(LOOK, "users")


def _audience(office: World) -> str:
    return f"{office.double.url}/{TENANT}/oauth2/v2.0/token"


def _forms(double: Double, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, list[str]]]:
    """Catch what is posted to the token service."""
    forms: list[dict[str, list[str]]] = []
    whole = double._sign_in

    def catching(path: str, body: bytes) -> Reply:
        if body:
            forms.append(parse_qs(body.decode()))
        return whole(path, body)

    monkeypatch.setattr(double, "_sign_in", catching)
    return forms


class TestCaFile:
    def test_without_it_a_private_authority_is_not_trusted(
        self, tenant: Double, tmp_path: Path
    ) -> None:
        graph = Graph(
            tenant.settings(tmp_path / "secret", ca_file=None),
            tmp_path,
            http=Http(limits=Limits(attempts=1)),
        )

        with pytest.raises(Trouble, match="ca_file"):
            graph.ask(LOOK, "users")

    def test_it_counts_also_where_the_environment_names_another(
        self, tenant: Double, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
        graph = Graph(tenant.settings(tmp_path / "secret"), tmp_path)

        assert graph.ask(LOOK, "users").ok
        graph.close()


def test_calendar_mail_and_directory_share_one_connection(tenant: Double, tmp_path: Path) -> None:
    settings = tenant.settings(tmp_path / "secret")
    again = Microsoft(**settings.model_dump())

    assert shared(settings, tmp_path) is shared(again, tmp_path)
    shared.cache_clear()
