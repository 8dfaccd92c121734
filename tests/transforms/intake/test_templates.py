"""Templates over the columns of a row."""

import time
import tracemalloc
from datetime import datetime

import pytest

from transforms.elements import reasons
from transforms.elements.data_specs import ColumnSpec
from transforms.intake.columns import RowColumns
from transforms.intake.templates import BadTemplate, ColumnTemplate
from transforms.intake.unusable import UnusableRecord


def render(source: str, **fields: object) -> str:
    return ColumnTemplate("user_template", source).render(fields)


def test_columns_by_name() -> None:
    assert render("{{a}} and {{ b|upper }}", a="x", b="y") == "x and Y"
    assert render("{{ row['full text'] }}", **{"full text": "x"}) == "x"
    assert render("{% for c in choices %}({{ loop.index }}) {{ c }} {% endfor %}", choices=["p", "q"]) == "(1) p (2) q "
    assert render("{{ a }}", a="<b> & {{ c }}") == "<b> & {{ c }}"


def test_a_missing_field_is_reported_with_the_existing_ones() -> None:
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


@pytest.mark.parametrize("source", ["{{Input Column}}", "Say\n{{- Input Column | trim }}", "{% if Input Column %}x{% endif %}"])
def test_a_name_with_spaces_is_reported_with_its_right_spelling(source: str) -> None:
    """future-agi issue 2082."""
    with pytest.raises(BadTemplate) as caught:
        ColumnTemplate("user_template", source)
    assert str(caught.value).endswith('columns are written {{ like_this }}, those with spaces {{ row["like this"] }}')


def test_which_columns_are_needed() -> None:
    template = ColumnTemplate("t", "{{a}} {{ b|default('') }} {% if c is defined %}{{c}}{% endif %} {% set e = 1 %}{{ e }} {{ range(3)|list }}")
    assert template.columns == frozenset({"a", "b", "c"})
    assert template.missing(["x"]) == ["a"]
    assert ColumnTemplate("t", "no column").columns == frozenset()


def test_columns_that_are_taken_from_the_row_by_name_are_known() -> None:
    template = ColumnTemplate("t", "{{ row['full text'] }} {{ row.a }} {{ row['b']|default('') }} {{ c }}")
    assert template.columns == frozenset({"full text", "a", "b", "c"})
    assert template.missing(["c"]) == ["a", "full text"]
    assert template.render({"full text": "x", "a": 1, "c": 2}) == "x 1  2"


@pytest.mark.parametrize(
    "source", ["{{ row[a] }}", "{% for name in row %}{{ name }}{% endfor %}", "{{ row.get('a') }}", "{{ row.a }} {{ row|length }}"]
)
def test_a_row_that_is_looked_at_in_another_way_may_need_any_column(source: str) -> None:
    assert ColumnTemplate("t", source).columns is None


def test_a_missing_column_of_the_row_is_reported_as_one() -> None:
    with pytest.raises(UnusableRecord) as caught:
        ColumnTemplate("user_template", "{{ row['full text'] }}").render({"fulltext": "x"})
    assert caught.value.detail == "user_template: there is no 'full text'; the columns are: fulltext"


@pytest.mark.parametrize("source", ["{{ a", "{% if a %}", "{{ a | nosuchfilter }}", "{% nosuchtag %}"])
def test_an_invalid_template_is_reported_with_its_line(source: str) -> None:
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


@pytest.mark.fault("D11")
@pytest.mark.parametrize("source", ["{{ ['a', 'b']|random }}", "{{ lipsum() }}", "{{ cycler('a', 'b').next() }}", "{{ lipsum(n=1)|upper }}"])
def test_a_template_with_a_different_text_each_time_is_refused(source: str) -> None:
    with pytest.raises(BadTemplate, match="user_template, line 2: (random|lipsum|cycler) gives another text each time"):
        ColumnTemplate("user_template", "{{a}}\n" + source)


@pytest.mark.fault("D11")
@pytest.mark.parametrize(
    "source",
    [
        "{{ a.upper }}",
        "{{ a.upper ~ '' }}",
        "{{ a.upper|string }}",
        "{{ '%s'|format(a.upper) }}",
        "{{ [a.upper]|join }}",
        "{{ [a]|map(attribute='upper')|join }}",
        "{{ a|attr('upper') }}",
        "{{ '{0.upper}'.format(a) }}",
        "{{ range }}",
        "{{ dict }}",
        "{{ namespace ~ '' }}",
        "{% macro m() %}x{% endmacro %}{{ m }}",
        "{{ b.keys }}",
        "{{ day.now() }}",
        "{{ day.today() }}",
        "{{ day.astimezone() }}",
        "{{ a.encode() }}",
    ],
)
def test_methods_and_functions_are_not_written_out(source: str) -> None:
    with pytest.raises(UnusableRecord) as caught:
        render(source, a="x", b={"k": 1}, day=datetime(2026, 1, 1))
    assert caught.value.reason in (reasons.TEMPLATE_FAILED, reasons.MISSING_COLUMN)
    assert " at 0x" not in caught.value.detail


@pytest.mark.fault("D11")
@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ [1, 2]|map('string') }}", "['1', '2']"),
        ("{{ [1, 2]|map('string') ~ '' }}", "['1', '2']"),
        ("{{ ([1, 2]|reverse)|string }}", "[2, 1]"),
        ("{{ [2, 2, 1]|unique|string|upper }}", "[2, 1]"),
        ("{{ a.upper() }}", "X"),
        ("{{ a ~ 1 ~ b.k }}", "x11"),
        ("{% for k, v in b.items() %}{{ k }}{{ v }}{% endfor %}", "k1"),
        ("{{ '{:>4}|{}'.format(a, 1) }}{{ '%03d' % 7 }}", "   x|1007"),
        ("{% set n = namespace(s='') %}{% for i in range(3) %}{% set n.s = n.s ~ i %}{% endfor %}{{ n.s }}", "012"),
        ("{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(a) }}", "<x>"),
        ("{% for c in ['p', 'q'] %}{{ loop.index }}{{ loop.cycle('a', 'b') }}{% endfor %}", "1a2b"),
        ("{% set comma = joiner(', ') %}{% for c in 'pq' %}{{ comma() }}{{ c }}{% endfor %}", "p, q"),
        ("{{ day.strftime('%Y') }}", "2026"),
    ],
)
def test_a_fixed_object_may_be_written(source: str, text: str) -> None:
    assert [render(source, a="x", b={"k": 1}, day=datetime(2026, 1, 1)) for _ in range(2)] == [text, text]


@pytest.mark.fault("D11")
@pytest.mark.parametrize("name", ["namespace", "dict", "range", "cycler", "joiner", "lipsum", "random"])
def test_a_column_wins_over_a_name_of_the_template_language(name: str) -> None:
    template = ColumnTemplate("t", "{{ " + name + " }}")
    assert template.columns == frozenset({name})
    assert template.missing([]) == [name]
    assert template.render({name: "from the row"}) == "from the row"


@pytest.mark.fault("D11")
@pytest.mark.parametrize("name", ["items", "get", "keys", "values", "pop", "copy"])
def test_a_column_wins_over_a_method_of_the_row(name: str) -> None:
    template = ColumnTemplate("t", "{{ row." + name + " }}")
    assert template.columns == frozenset({name})
    assert template.render({name: "from the row"}) == "from the row"
    with pytest.raises(UnusableRecord):
        template.render({"other": 1})


LIMIT = 20_000
EXPLOSIONS = [
    "{{ 'x' * b }}",
    "{{ b * [1] }}",
    "{{ a|center(b) }}",
    "{{ a.center(b) }}{{ a.ljust(b) }}",
    "{{ a.zfill(b) }}",
    "{{ '\\t'.expandtabs(b) }}",
    "{{ a|indent(b, true) }}",
    "{{ a|batch(b, 'x')|list }}",
    "{{ [1]|slice(b)|list }}",
    "{{ '%999999999d'|format(5) }}",
    "{{ '%*d'|format(b, 5) }}",
    "{{ '%.999999999f' % 1.5 }}",
    "{{ '%(a)s%(a)s%(a)s' % {'a': long} }}",
    "{{ '{:>999999999}'.format(a) }}",
    "{{ '{:>{}}'.format(a, b) }}",
    "{{ '{:>9999}{:>9999}{:>9999}'.format(a, a, a) }}",
    "{{ '{x:>999999999}'.format_map({'x': a}) }}",
    "{{ f|format(5) }}",
    "{{ long|replace('y', long) }}",
    "{{ long.replace('', long) }}",
    "{{ long|join(long) }}",
    "{{ [long, long, long]|join }}",
    "{{ [long] * 1000 }}",
    "{{ ([long] * 1000)|string }}",
    "{{ ([long] * 1000)|tojson }}",
    "{{ ([long] * 1000) ~ '' }}",
    "{{ [[1] * 1000] * 10|int|tojson(indent=b) }}",
    "{{ 10 ** b }}",
    "{{ (10 ** 20000) * (10 ** 20000) }}",
    "{{ 2.5|round(b, 'ceil') }}",
    "{{ (7).to_bytes(b, 'big') }}",
    "{{ a.translate({120: long})|length }}{{ long.translate({121: long}) }}",
    "{{ long|wordwrap(1, wrapstring=long) }}",
    "{% for i in range(9999) %}{{ long }}{% endfor %}",
    "{% set x %}{% for i in range(9999) %}{{ long }}{% endfor %}{% endset %}{{ x|length }}",
    "{% macro m() %}{% for i in range(9999) %}{{ long }}{% endfor %}{% endmacro %}{{ m()|length }}",
    "{% set n = namespace(s='xy') %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}{{ n.s|length }}",
    "{% set n = namespace(s='xy') %}{% for i in range(60) %}{% set n.s = n.s + n.s %}{% endfor %}{{ n.s|length }}",
    "{% set n = namespace(l=[1]) %}{% for i in range(60) %}{% set n.l = n.l + n.l %}{% endfor %}{{ n.l|length }}",
    "{% set l = [1] %}{% for i in range(60) %}{{ l.extend(l) or '' }}{% endfor %}{{ l|length }}",
    "{{ ([long] * 1000)|map('list')|list|length }}",
    "{{ [long, long, long]|sum(start='') }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{{ range(b)|list }}",
    "{{ long }}{{ long }}{{ long }}",
]


@pytest.mark.fault("T5", "X-A7")
@pytest.mark.parametrize("source", EXPLOSIONS)
def test_no_row_makes_a_template_build_more_than_a_row_may_have(source: str) -> None:
    template = ColumnTemplate("user_template", source, LIMIT)
    tracemalloc.start()
    began_s = time.thread_time()
    try:
        with pytest.raises(UnusableRecord) as caught:
            template.render({"a": "x", "b": 999_999_999, "f": "%999999999d", "long": "y" * 9000})
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.reason in (reasons.ROW_TOO_LARGE, reasons.TEMPLATE_FAILED)
    assert peak_bytes < 40_000_000
    assert time.thread_time() - began_s < 20


@pytest.mark.fault("T5")
def test_bytes_are_counted_and_what_fits_is_written() -> None:
    template = ColumnTemplate("user_template", "{{ a }}", 100)
    assert template.render({"a": "x" * 100}) == "x" * 100
    assert template.render({"a": "ü" * 50}) == "ü" * 50
    with pytest.raises(UnusableRecord, match="row_too_large: user_template gives more than the 100 bytes"):
        template.render({"a": "ü" * 51})
    assert template.render({"a": "again"}) == "again"


@pytest.mark.fault("T4", "X-A7")
@pytest.mark.parametrize("source", ["{{ b }}", "{{ row }}", "{{ b|tojson }}", "{{ row['b']|string }}", "{{ b ~ '' }}", "{{ b|pprint }}"])
@pytest.mark.parametrize("kind", [list, dict])
@pytest.mark.parametrize("levels", [500, 900, 980, 1020, 100_000])
def test_a_value_nested_deeply_is_one_reject(source: str, kind: type, levels: int) -> None:
    value: object = 1
    for _ in range(levels):
        value = [value] if kind is list else {"a": value}
    template = ColumnTemplate("user_template", source)
    with pytest.raises(UnusableRecord) as caught:
        template.render({"b": value})
    assert caught.value.reason == reasons.TEMPLATE_FAILED
    assert template.render({"b": [[1]]})
    while isinstance(value, (list, dict)):  # taken apart here: a value so deep cannot be freed in one go on every Python
        value = value[0] if isinstance(value, list) else value["a"]


def test_three_hundred_levels_are_written() -> None:
    value: object = 1
    for _ in range(300):
        value = [value]
    assert render("{{ b }}", b=value) == "[" * 300 + "1" + "]" * 300


@pytest.mark.fault("T4")
def test_a_template_that_is_nested_too_deeply_is_refused() -> None:
    with pytest.raises(BadTemplate, match="nested"):
        ColumnTemplate("user_template", "{{ " + "(" * 3000 + "a" + ")" * 3000 + " }}")


PRINTED = """['red volcanoes', 'green', "it's blue"]"""
LOOP = "{% for c in choices %}- {{ c }}\n{% endfor %}"


@pytest.mark.parametrize(
    "text",
    [
        PRINTED,
        '["red volcanoes", "green", "it\'s blue"]',
        """ ['red volcanoes' 'green'\n "it's blue"]\n""",  # as NumPy prints it
    ],
)
def test_a_list_that_is_stored_as_text_is_its_items(text: str) -> None:
    items = "- red volcanoes\n- green\n- it's blue\n"
    assert render(LOOP, choices=text) == items == render(LOOP.replace("choices", "row['choices']"), choices=text)
    assert render("{{ choices|join('; ') }}", choices=text) == "red volcanoes; green; it's blue"
    assert render("{{ '; '.join(choices) }}", choices=text) == "red volcanoes; green; it's blue"
    assert render("{{ choices|first }}, {{ choices[1] }}, {{ choices|last }}", choices=text) == "red volcanoes, green, it's blue"
    assert render("{{ choices|length }}", choices=text) == "3"
    assert render("{% for c in choices|sort|reverse %}{{ c[0] }}{% endfor %}", choices=text) == "rig"
    assert render("{{ choices }}", choices=text) == text


def test_items_stored_as_text_may_be_values_of_any_kind() -> None:
    assert render("{% for c in choices %}{{ c.a }} {{ c['b'][0] }}{% endfor %}", choices="[{'a': 1, 'b': (True, None)}]") == "1 True"
    assert render("{% for a, b in pairs %}{{ a }}={{ b }};{% endfor %}", pairs='[["x", 1], ["y", 2]]') == "x=1;y=2;"
    assert render(LOOP, choices="[]") == render(LOOP, choices=" ") == ""


@pytest.mark.parametrize(
    "text",
    [
        "red; green",
        "['red', 'green'",
        "[A] first [B]",
        "[{'red', 'green'}]",  # a set: in another order in the next process
        "['red', nan]",
        "['red' 'green', 'blue']",  # which of the three?
        "[" * 500 + "]" * 500,
        r"['\d' + 'x']",
        "[1" + "0" * 5_000 + ", 'x']",
        "['" + "x" * 300_000 + "']",
    ],
)
@pytest.mark.parametrize(
    ("source", "named"),
    [(LOOP, "'choices' is text"), ("{{ choices|join(', ') }}", "|join is text"), ("{{ ', '.join(choices) }}", "join is text")],
)
def test_text_that_is_no_list_is_not_gone_through_letter_by_letter(source: str, named: str, text: str, recwarn: pytest.WarningsRecorder) -> None:
    with pytest.raises(UnusableRecord) as caught:
        render(source, choices=text)
    assert caught.value.reason == reasons.TEMPLATE_FAILED
    assert named in caught.value.detail
    assert "would give single letters" in caught.value.detail
    assert not recwarn.list


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{% for c in 'ab' %}{{ c }}.{% endfor %}", "a.b."),
        ("{% for c in word|list %}{{ c }}.{% endfor %}", "c.a.t."),
        ("{% for c in word.split('a') %}{{ c }}.{% endfor %}", "c.t."),
        ("{{ word|list|join('-') }} {{ word[0] }} {{ word[:2] }} {{ word|first }} {{ word|length }}", "c-a-t c ca c 3"),
        ("{% set letters = 'XYZ' %}{% for c in [1, 2] %}{{ letters[loop.index0] }}{% endfor %}", "XY"),
    ],
)
def test_letters_that_are_meant_stay_letters(source: str, text: str) -> None:
    assert render(source, word="cat") == text


def test_the_items_of_text_count_towards_the_size_of_a_row() -> None:
    template = ColumnTemplate("t", "{% for a in c %}{{ c[loop.index0] }}{% endfor %}", allowed_bytes=1_000)
    with pytest.raises(UnusableRecord) as caught:
        template.render({"c": str([0] * 1_001)})
    assert caught.value.reason == reasons.ROW_TOO_LARGE


@pytest.mark.parametrize(
    ("template", "fields"),
    [
        ("Question: {{question}}\nAnswer:", {"question": ""}),
        ("Question: {{row['the question']}}", {"the question": " \n"}),
        ("Title: {{meta.title}}", {"meta": {"title": ""}}),
        ("{{a}} and {{b.c}}", {"a": "", "b": {"c": ""}}),
        ("{% for m in texts %}- {{m.text}}\n{% endfor %}", {"texts": [{"text": ""}, {"text": " "}]}),
    ],
)
def test_a_prompt_with_nothing_of_the_row_in_it_is_a_reject(template: str, fields: dict[str, object]) -> None:
    with pytest.raises(UnusableRecord) as caught:
        RowColumns(ColumnSpec(user_template=template)).chat(fields)
    assert caught.value.reason == reasons.MISSING_VALUE
    assert "writes out nothing of this row" in caught.value.detail


@pytest.mark.parametrize(
    ("template", "fields", "text"),
    [
        ("{{instruction}}\n{{input}}", {"instruction": "Sing.", "input": ""}, "Sing.\n"),  # Alpaca: most rows have no input
        ("Tell a story. {{hint or ''}}", {"hint": ""}, "Tell a story. "),
        ("{{a}}{{b}}", {"a": "", "b": 0}, "0"),
        ("{% if a %}{{a}}{% endif %}Hello", {"a": ""}, "Hello"),
        ("{{a}}: {{b|upper}}", {"a": "", "b": "x"}, ": X"),
    ],
)
def test_an_empty_field_beside_others_is_text(template: str, fields: dict[str, object], text: str) -> None:
    (message,) = RowColumns(ColumnSpec(user_template=template)).chat(fields)
    assert message.content == text
