"""SQL text with names becomes SQL text with numbers."""

import pytest

from shared.db.statement import compiled


def test_a_name_used_twice_has_one_number_or_two_with_the_same_value() -> None:
    one = compiled("SELECT :a, :b, :a")
    arguments = one.arguments({"a": 1, "b": 2})
    assert ":a" not in one.sql
    for nth, argument in enumerate(arguments, start=1):
        assert f"${nth}" in one.sql
        assert argument in (1, 2)


def test_casts_survive() -> None:
    assert "CAST($1 AS bigint[])" in compiled("SELECT CAST(:ids AS bigint[])").sql


def test_a_missing_value_is_an_error_not_a_null() -> None:
    with pytest.raises(KeyError):
        compiled("SELECT :a").arguments({"b": 1})


def test_the_same_text_is_compiled_once() -> None:
    assert compiled("SELECT :once") is compiled("SELECT :once")
