"""The content of a message: text, or parts that are all text. Pictures, sound, files and tool calls have their own reasons."""

from __future__ import annotations

import re
from collections.abc import Mapping

from transforms.elements import reasons
from transforms.intake.unusable import UnusableRecord, named

PARTS_JOINED_BY = "\n"
"""The separator of a message's text parts: without it, words of two parts would run together."""

_TEXT_PARTS = frozenset({"text", "input_text", "output_text"})
_REFUSED_PARTS = {
    **dict.fromkeys(("image_url", "image", "input_image", "image_file", "img", "picture"), (reasons.HOLDS_PICTURE, "a picture")),
    **dict.fromkeys(("input_audio", "audio", "audio_url", "output_audio"), (reasons.HOLDS_AUDIO, "sound")),
    **dict.fromkeys(("video", "video_url", "input_video"), (reasons.HOLDS_VIDEO, "a video")),
    **dict.fromkeys(("file", "input_file", "file_url", "document", "document_url", "search_result"), (reasons.HOLDS_FILE, "a file")),
    **dict.fromkeys(
        ("tool_use", "tool_result", "tool_call", "tool_response", "function_call", "function_call_output", "toolUse", "toolResult",
         "server_tool_use", "web_search_tool_result", "functionCall", "functionResponse", "mcp_tool_use", "mcp_tool_result"),
        (reasons.TOOL_CALLS, "a tool call or its result"),
    ),
}  # fmt: skip
"""Types of content parts, as OpenAI, Anthropic, Google, Amazon, Mistral and Hugging Face write them."""
_THOUGHTS = frozenset({"thinking", "redacted_thinking", "reasoning", "reasoning_content", "reasoning_text"})
"""Parts of an earlier answer that its reader never saw: they are left out, as the services leave them out."""
_MEDIA = {"image": "image", "audio": "input_audio", "video": "video"}


def text_of(content: object, where: str) -> str:
    """The text of a message's content. Raises UnusableRecord; ``where`` names the message for a person."""
    if isinstance(content, str):
        return readable(content, where)
    if isinstance(content, list) and content:
        said = [_part(part, place, where) for place, part in enumerate(content, start=1) if not _is_thought(part)]
        if said:
            return PARTS_JOINED_BY.join(said)
    found = named(content) if content != [] else "an empty list"
    raise UnusableRecord(reasons.CONTENT_NOT_TEXT, f'the "content" of {where} is {found}; expected text, or a list of parts that are all text')


def readable(text: str, where: str) -> str:
    """The text itself. Raises UnusableRecord if it cannot be written as UTF-8: then it can be neither sent nor stored."""
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        found = ord(text[error.start])
        if 0xDC80 <= found <= 0xDCFF:  # Python's stand-in for a byte that is not UTF-8
            said = f"holds bytes that are not UTF-8 (0x{found - 0xDC00:02x}, or half of a surrogate pair, \\u{found:04x})"
            raise UnusableRecord(reasons.NOT_UTF8, f"{where} {said}. Save the data as UTF-8") from None
        raise UnusableRecord(
            reasons.INVALID_JSON,
            f"{where} holds half of a surrogate pair (\\u{found:04x}) at character {error.start + 1:,}, which is not a letter: "
            "an emoji was cut in two. Repair the text in the input file",
        ) from None
    return text


def refuse_tool_calls(message: Mapping[object, object], where: str) -> None:
    """Raise UnusableRecord for a message that calls tools: without them the chat cannot be answered again."""
    for name in ("tool_calls", "function_call"):
        if message.get(name):
            raise UnusableRecord(
                reasons.TOOL_CALLS, f'{where} calls tools ("{name}"); chats with tool calls cannot be distilled: leave these rows out'
            )


def refuse_missing_media(text: str, has_media: bool, where: str) -> None:
    """Raise UnusableRecord for a text with the mark of a picture, sound or video that is in another column (LLaVA, LLaMA-Factory).

    The mark counts beside such a column (``has_media``), and else only alone on the first or last line.
    """
    found = _MARK.search(text) if has_media else _MARK_ALONE.search(text)
    if found is not None and f"</{found[1]}" not in text:
        reason, what = _REFUSED_PARTS[found[1]]
        raise UnusableRecord(reason, f"{where} is about {what} ({found[0].strip()}); only text can be distilled: leave the row out")


_MARK = re.compile(r"<(image|audio|video)>")
_MARK_ALONE = re.compile(r"(?:\A\s*|\n[ \t]*)<(image|audio|video)>(?:[ \t]*\n|\s*\Z)")


def _is_thought(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") in _THOUGHTS


def _part(part: object, place: int, where: str) -> str:
    which = f"part {place} of the content of {where}"
    if isinstance(part, str):
        return readable(part, which)
    if not isinstance(part, dict):
        raise UnusableRecord(reasons.CONTENT_NOT_TEXT, f'{which} is {named(part)}; expected text or {{"type": "text", "text": "..."}}')
    kind = part.get("type")
    if kind is None:  # Google's and Amazon's parts have their type as the key
        kind = "text" if isinstance(part.get("text"), str) else _named_by_key(part)
    if kind in _TEXT_PARTS and isinstance(part.get("text"), str):
        return readable(part["text"], which)
    if isinstance(kind, str) and (refused := _REFUSED_PARTS.get(kind)) is not None:
        reason, what = refused
        raise UnusableRecord(reason, f"{which} is {what} ({kind[:40]!r}); only text can be distilled: leave the row out, or keep its text")
    said = f"of the type {str(kind)[:40]!r}" if kind is not None else "without a type"
    if kind in _TEXT_PARTS:
        said = f'text whose "text" is {named(part["text"]) if "text" in part else "missing"}'
    raise UnusableRecord(reasons.CONTENT_NOT_TEXT, f'{which} is {said}; expected {{"type": "text", "text": "..."}}')


def _named_by_key(part: Mapping[str, object]) -> str | None:
    for key, value in part.items():
        if value is None:
            continue
        if key in _REFUSED_PARTS:
            return key
        if key in ("inlineData", "inline_data", "fileData", "file_data") and isinstance(value, dict):
            media = str(value.get("mimeType") or value.get("mime_type") or "").partition("/")[0]
            return _MEDIA.get(media, "file")
    return None
