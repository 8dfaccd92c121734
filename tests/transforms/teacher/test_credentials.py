"""Where a key is looked up, and what of the text there is the key."""

from pathlib import Path

import pytest

from transforms.teacher.credentials import look_up_key
from transforms.teacher.specs import CredentialKind, CredentialRef


@pytest.mark.parametrize("written", ["sk-1", " sk-1\n", "'sk-1'", '"sk-1"', "' sk-1 '\n"])
def test_a_key_is_without_what_env_files_put_around_it(written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEACHER_KEY", written)
    (tmp_path / "key").write_text(written, encoding="utf-8")
    assert look_up_key(CredentialRef(CredentialKind.ENVIRONMENT, "TEACHER_KEY")) == "sk-1"
    assert look_up_key(CredentialRef(CredentialKind.FILE, str(tmp_path / "key"))) == "sk-1"


@pytest.mark.parametrize("kept", ["sk-x", '"sk-x"', "Bearer sk-x", "bearer  sk-x\n", "'Bearer sk-x'"])
def test_a_key_as_people_copy_it(kept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEACHER_KEY", kept)
    assert look_up_key(CredentialRef(CredentialKind.ENVIRONMENT, "TEACHER_KEY")) == "sk-x"
