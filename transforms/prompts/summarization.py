"""SUMMARIZATION: an article, and its summary."""

from __future__ import annotations

from dataclasses import dataclass

from transforms.elements.rows import ChatMessage
from transforms.prompts.answers import visible_text
from transforms.prompts.chain_of_density import with_density
from transforms.prompts.dense_rounds import last_summary
from transforms.prompts.single_turn import SingleTurn
from transforms.prompts.spec import DEFAULT_MAX_LEN_SUMMARY


class SummarizationPrompt(SingleTurn):
    """The text of the reply."""

    def extract(self, text: str, asked: tuple[ChatMessage, ...]) -> str:
        """The summary. Raises AnswerRejected."""
        return visible_text(text, asked)


@dataclass(frozen=True)
class DenseSummarizationPrompt(SingleTurn):
    """SUMMARIZATION with chain of density: the summary of the last round."""

    max_len_summary: int = DEFAULT_MAX_LEN_SUMMARY

    def ask(self, question: tuple[ChatMessage, ...]) -> tuple[ChatMessage, ...]:
        """The article under a system message that asks for denser and denser summaries."""
        return with_density(question, self.max_len_summary)

    def extract(self, text: str, asked: tuple[ChatMessage, ...]) -> str:
        """The last summary. Raises AnswerRejected."""
        return last_summary(visible_text(text))
