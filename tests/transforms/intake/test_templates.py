"""Templates over the columns of a row."""

import pytest

from transforms.elements import reasons
from transforms.intake.rows import UnusableRecord
from transforms.intake.templates import BadTemplate, ColumnTemplate


def render(source: str, **fields: object) -> str:
    return ColumnTemplate("user_template", source).render(fields)


def test_columns_by_name() -> None:
    assert render("{{a}} and {{ b|upper }}", a="x", b="y") == "x and Y"
    assert render("{{ row['full text'] }}", **{"full text": "x"}) == "x"
    assert render("{% for c in choices %}({{ loop.index }}) {{ c }} {% endfor %}", choices=["p", "q"]) == "(1) p (2) q "
    assert render("{{ a }}", a="<b> & {{ c }}") == "<b> & {{ c }}"


def test_what_a_row_lacks_is_said_with_what_it_has() -> None:
    with pytest.raises(UnusableRecord) as caught:
        render("{{ answer }}", question="x", text="y")
    assert caught.value.reason == reasons.MISSING_COLUMN
    assert "'answer' is undefined; the columns are: question, text" in caught.value.detail


def test_a_missing_value_is_not_written_as_none() -> None:
    with pytest.raises(UnusableRecord) as caught:
        render("{{ a }} {{ b }}", a="x", b=None)
    assert caught.value.reason == reasons.MISSING_VALUE
    assert "(without one: b)" in caught.value.detail
    assert render("{{ a }}{{ b or '' }}{% if b %} {{ b }}{% endif %}", a="x", b=None) == "x"


def test_which_columns_are_needed() -> None:
    template = ColumnTemplate("t", "{{a}} {{ b|default('') }} {% if c is defined %}{{c}}{% endif %} {% set e = 1 %}{{ e }} {{ range(3)|list }}")
    assert template.columns == {"a", "b", "c"}
    assert template.missing(["x"]) == ["a"]
    assert ColumnTemplate("t", "no column").columns == frozenset()


def test_columns_that_are_taken_from_the_row_by_name_are_known() -> None:
    template = ColumnTemplate("t", "{{ row['full text'] }} {{ row.a }} {{ row['b']|default('') }} {{ c }}")
    assert template.columns == {"full text", "a", "b", "c"}
    assert template.missing(["c"]) == ["a", "full text"]
    assert template.render({"full text": "x", "a": 1, "c": 2}) == "x 1  2"


@pytest.mark.parametrize(
    "source", ["{{ row[a] }}", "{% for name in row %}{{ name }}{% endfor %}", "{{ row.get('a') }}", "{{ row.a }} {{ row|length }}"]
)
def test_a_row_that_is_looked_at_in_another_way_may_need_any_column(source: str) -> None:
    assert ColumnTemplate("t", source).columns is None


def test_a_missing_column_of_the_row_is_said_as_one() -> None:
    with pytest.raises(UnusableRecord) as caught:
        ColumnTemplate("user_template", "{{ row['full text'] }}").render({"fulltext": "x"})
    assert caught.value.detail == "user_template: there is no 'full text'; the columns are: fulltext"


@pytest.mark.parametrize("source", ["{{ a", "{% if a %}", "{{ a | nosuchfilter }}", "{% nosuchtag %}"])
def test_what_is_no_template_is_said_with_its_line(source: str) -> None:
    with pytest.raises(BadTemplate, match="user_template, line 2: "):
        ColumnTemplate("user_template", "first line\n" + source)


@pytest.mark.parametrize(
    "source",
    [
        "{{ a.__class__.__mro__ }}",
        "{{ ''.__class__.__base__.__subclasses__() }}",
        "{{ range(999999999)|list }}",
        "{{ a / 0 }}",
        "{{ a.b.c }}",
        "{% include '/etc/passwd' %}",
    ],
)
def test_a_template_reaches_nothing_but_the_row(source: str) -> None:
    with pytest.raises(UnusableRecord) as caught:
        render(source, a=1)
    assert caught.value.reason in (reasons.TEMPLATE_FAILED, reasons.MISSING_COLUMN)
