"""Machine code outlives a test session, by the states of its source, and does not pile up."""

import os
from pathlib import Path

import pytest

from embedded.pytest_plugin import COMPILED, COMPILED_STATES_MAX, forget_old_states


def test_a_session_finds_and_keeps_what_was_compiled() -> None:
    if not os.access(COMPILED.parent, os.W_OK):
        pytest.skip("this environment cannot be written to")
    assert (Path(os.environ["DATA_DIR"]) / "compiled").resolve() == COMPILED.resolve()


def test_only_the_newest_states_are_kept(tmp_path: Path) -> None:
    for number in range(COMPILED_STATES_MAX + 3):
        state = tmp_path / f"state-{number}"
        state.mkdir()
        (state / "code").write_bytes(b"code")
        os.utime(state, (number, number))
    forget_old_states(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"state-{number}" for number in range(3, COMPILED_STATES_MAX + 3)
    ]
