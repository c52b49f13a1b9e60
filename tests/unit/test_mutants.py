"""The register of faults fits the code as it is: each can be put in, and its tests exist. `make mutants` runs them."""

import pytest

from tests.mutants.register import ROOT, Fault, read_faults

FAULTS = read_faults()
FEWEST_FAULTS = 50


def test_there_are_enough_faults_and_no_two_of_one_name() -> None:
    assert len(FAULTS) >= FEWEST_FAULTS
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_can_be_put_in_and_names_tests_that_exist(fault: Fault) -> None:
    text = (ROOT / fault.file).read_text()
    assert fault.applied(text) != text
    if fault.file.endswith(".py"):
        compile(fault.applied(text), fault.file, "exec")
    assert fault.tests
    for test in fault.tests:
        file, _, function = test.partition("::")
        assert (ROOT / file).is_file(), file
        assert not function or f"def {function.partition('[')[0]}(" in (ROOT / file).read_text(), test
