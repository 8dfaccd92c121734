"""Two corpora of answers: those that certainly state one number, and those that do not. In their files ``⏎`` is a line break."""

from itertools import product
from pathlib import Path

from transforms.prompts.plain_number import NotCertain, stated_number

FILES = Path(__file__).parent / "transforms" / "prompts" / "numbers"

NUMBERS = {
    "0": "0",
    "7": "7",
    "42": "42",
    "-3": "-3",
    "\u22123": "-3",
    "+5": "5",
    "3.5": "3.5",
    "-0.25": "-0.25",
    ".5": "0.5",
    "12.00": "12",
    "1,234": "1234",
    "1,234,567.80": "1234567.8",
    "1000000": "1000000",
    "1e3": "1000",
    "2.5E-3": "0.0025",
    "007": "7",
    "-0": "0",
    "12345678901234567890": "12345678901234567890",
}
AROUND = (
    *("{}", " {} ", "{}.", "{}\n", "**{}**", "**{}**.", "`{}`", '"{}"', "'{}'", "“{}”", "({})", "[{}]", "*{}*", "<b>{}</b>", "```\n{}\n```"),
    *("${}$", "$${}$$", r"\({}\)", r"\[ {} \]", r"\boxed{{{}}}", r"$\boxed{{{}}}$", r"\boxed{{{}}}.", r"\mathbf{{{}}}", r"\text{{{}}}"),
    *("The answer is {}", "The answer is {}.", "Answer: {}", "**Answer:** {}", "Final answer: **{}**", "**Final Answer**: {}", "#### {}"),
    *("Some steps.\n#### {}", r"The answer is $\boxed{{{}}}$.", "x = {}", "$x = {}$", "So, x = {}.", "Result = {}", "Total: {}"),
)


def lines_of(name: str) -> list[str]:
    return [line.replace("⏎", "\n") for line in (FILES / name).read_text(encoding="utf-8").split("\n")[:-1]]


def accepted() -> dict[str, str]:
    found = {around.format(written): number for around, (written, number) in product(AROUND, NUMBERS.items())}
    for line in lines_of("accepted.txt"):
        number, _, text = line.partition("\t")
        found[text] = number
    return found


def refused() -> list[str]:
    behind, before = lines_of("words_behind.txt"), lines_of("words_before.txt")
    found = lines_of("refused.txt")
    found += [around.format(word) for around, word in product(("5 {}", "The answer is 5 {}", "x = 5 {}", "$5$ {}"), behind)]
    found += [f"\\boxed{{5}} {word}" for word in behind if word[0].isalnum() or word[0] in "+*/^!%²³½√∞≤≈±"]
    found += [f"5{word}" for word in behind if " " not in word and word not in ":="]
    found += [around.format(word) for around, word in product(("{} 5", "The answer is {} 5", "**{} 5**", "x = {} 5"), before)]
    found += [f"{word} \\boxed{{5}}" for word in before if word not in ("\\to", "!")]
    return list(dict.fromkeys([*found, "9" * 70, "words " * 50 + "42"]))


def read(text: str) -> str | None:
    try:
        return stated_number(text)
    except NotCertain:
        return None
