"""Promises of the connectors; the shared suites explain their failures like any test."""

import pytest

pytest.register_assert_rewrite("tests.connectors.contract")
