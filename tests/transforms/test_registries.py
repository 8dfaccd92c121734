"""Every member of a registry has every entry, and the settings offer what the registries have."""

import pytest
from pydantic import TypeAdapter

from beam_distill.config.azure import AzureSettings
from beam_distill.config.data import DataSettings
from beam_distill.config.teachers import TeacherEntry
from transforms.intake.formats.base import RowFormat
from transforms.intake.formats.registry import FORMATS
from transforms.students.base import StudentFormat
from transforms.students.registry import STUDENT_FORMATS
from transforms.teacher.kinds.registry import KINDS, EndpointKind

OFFERED = [
    (DataSettings, "input_format", FORMATS),
    (DataSettings, "student_format", STUDENT_FORMATS),
    (AzureSettings, "endpoint_kind", KINDS),
    (TeacherEntry, "endpoint_kind", KINDS),
]


@pytest.mark.parametrize(("section", "name", "registry"), OFFERED, ids=lambda given: getattr(given, "__name__", None))
def test_a_setting_takes_every_name_of_its_registry_and_no_other(section, name, registry) -> None:  # type: ignore[no-untyped-def]
    field = TypeAdapter(section.model_fields[name].annotation)
    for member in registry:
        assert field.validate_python(str.__str__(member)) == member
    with pytest.raises(ValueError):
        field.validate_python("another")
    description = section.model_fields[name].description
    assert description is None or description == ", ".join(registry)


@pytest.mark.parametrize("kind", EndpointKind, ids=lambda kind: kind.value)
def test_every_kind_of_endpoint_has_its_entry(kind: EndpointKind) -> None:
    entry = KINDS[kind]
    assert entry.scope is not None or not entry.is_azure, "a kind of Azure's has a scope; another says is_azure = False"
    assert entry.not_found_advice
    assert entry.role
    assert entry.connection_type is not None or not entry.is_known_by_connection


@pytest.mark.parametrize("name", FORMATS)
def test_every_input_format_has_its_entry(name: str) -> None:
    entry: RowFormat = FORMATS[name]
    assert entry.numbered_by in ("line", "record")
    assert not (entry.counts_by_parsing and entry.counts_by_footer)


@pytest.mark.parametrize("name", STUDENT_FORMATS)
def test_every_student_format_has_its_entry(name: str) -> None:
    entry: StudentFormat = STUDENT_FORMATS[name]
    assert entry.is_read_by_trl or not entry.is_chat
    assert callable(entry.row)
    assert callable(entry.parquet_schema)
