"""What somebody is called, however a roster writes their name."""

import pytest

from daemon.letters.names import first_name

SUFFIXES = ["PhD", "Ph.D.", "MBA", "MD", "M.D.", "MSc", "Jr", "SR.", "II", "III", "IV", "Esq."]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "name", ["Frida O'Hara, {}", "O'Hara, Frida, {}", "O'Hara, {}, Frida", "Dr. Frida O'Hara, {}"]
)
def test_what_follows_a_name_is_not_what_somebody_is_called(name: str, suffix: str) -> None:
    assert first_name(name.format(suffix)) == "Frida"


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Frida O'Hara", "Frida"),
        ("O'Hara, Frida", "Frida"),
        ("O'Hara, Dr. Frida", "Frida"),
        ("Frida O'Hara, PhD, MBA", "Frida"),
        ("Frida O'Hara, PhD MBA", "Frida"),
        ("Frida O'Hara,", "Frida"),
        ("Rahman, Md", "Md"),
        ("O'Hara, F.", "F."),
        ("PhD", "PhD"),
        ("", ""),
    ],
)
def test_somebody_is_called_by_the_first_of_their_given_names(name: str, first: str) -> None:
    assert first_name(name) == first
