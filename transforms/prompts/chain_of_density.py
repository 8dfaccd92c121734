"""Chain of density (Adams et al. 2023, "From Sparse to Dense"): four rounds of the same length, each with more of the article's entities."""

from __future__ import annotations

ROUNDS = 4


def density_instruction(max_len_summary: int) -> str:
    """The system message of the request; every summary has at most ``max_len_summary`` words."""
    return (
        "You write summaries of the user's article that grow denser round by round.\n"
        f"Go through {ROUNDS} rounds. In each round: find one to three informative entities of the article that the summary before "
        "leaves out (specific, faithful to the article, relevant to its main point); then write a new summary of the same length that "
        "keeps every entity it had and takes the missing ones in. Make room by fusing sentences and by cutting empty phrases; never "
        "drop an entity.\n"
        f"The first summary is general and sparse. No summary is longer than {max_len_summary} words, and each can be understood "
        "without the article.\n"
        f"Reply with nothing but a JSON list of {ROUNDS} objects, in the order of the rounds, without code fences and without text "
        'before or after it. Every object has two keys: "Missing_Entities", the entities taken in, separated by semicolons, and '
        '"Denser_Summary", the summary of that round.'
    )
