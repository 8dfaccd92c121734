"""What Azure ML's distillation component does with a job, implemented again from its documentation, without our code.

Per task: the answer extracted from a reply, the kept parts of the row, and the requests. It differs from the component where that is known to
fail: a conversation keeps every turn, and a number is written plainly ("1,234.0" is "1234").
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro
import yaml

Exchange = tuple[dict[str, Any], str]
"""A request's body and the text that came back."""


def inputs_of(job_file: Path) -> dict[str, Any]:
    """The values of a job of ``type: distillation``, by its own names."""
    fields: dict[str, Any] = yaml.safe_load(job_file.read_text(encoding="utf-8"))
    return fields


def exchanges(ledger: Path) -> dict[tuple[str, int, int], Exchange]:
    """Requests by split, line and turn. The ledger is read as an ordinary Avro file."""
    found = {}
    for segment in ledger.glob("*.avro"):
        with open(segment, "rb") as file:
            for record in fastavro.reader(file):
                reply = json.loads(record["response"])["choices"][0]["message"]["content"]
                found[record["split"], record["line"], record["turn"]] = (json.loads(record["payload"]), reply)
    return found


def expected_rows(job: dict[str, Any], split: str, rows: Path, asked: dict[tuple[str, int, int], Exchange]) -> Iterator[dict[str, Any]]:
    """The dataset that the component documents, in the order of the input. Raises for a request that it would not send."""
    settings = job["teacher_model_settings"]["inference_parameters"]
    prompts = job.get("prompt_settings") or {}
    for line, text in enumerate(rows.read_text(encoding="utf-8").splitlines(), start=1):
        chat = json.loads(text)["messages"]
        made: list[dict[str, str]] = []
        turn = 0
        for message in chat:
            if message["role"] == "assistant":
                continue  # the old label: replaced by the teacher's answer
            made.append({"role": message["role"], "content": message["content"]})
            if message["role"] != "user":
                continue
            body, reply = asked[split, line, turn]
            if (body["temperature"], body["top_p"], body["max_tokens"]) != (settings["temperature"], settings["top_p"], settings["max_tokens"]):
                raise AssertionError(f"line {line}: sampling is not that of the job file: {body}")
            _check_messages(body["messages"], made, prompts, line)
            made.append({"role": "assistant", "content": _answer(job["data_generation_task_type"], prompts, reply)})
            turn += 1
        yield {"messages": made}


def _check_messages(sent: list[dict[str, str]], before: list[dict[str, str]], prompts: dict[str, Any], line: int) -> None:
    reasoned = prompts.get("enable_chain_of_thought") or prompts.get("enable_chain_of_density")
    talk = [message for message in sent if message["role"] != "system"]
    if talk != [message for message in before if message["role"] != "system"]:
        raise AssertionError(f"line {line}: the turns are not sent as they stand in the row")
    system = [message["content"] for message in sent if message["role"] == "system"]
    own = [message["content"] for message in before if message["role"] == "system"]
    if reasoned:
        words = ("Denser_Summary", str(prompts.get("max_len_summary", 80))) if prompts.get("enable_chain_of_density") else ("reason", "step")
        if len(system) != 1 or system == own or not all(word in system[0] for word in words):
            raise AssertionError(f"line {line}: the system message does not ask for reasoning: {system}")
    elif system != own:
        raise AssertionError(f"line {line}: the row's own system message is not what is sent")


def _answer(task: str, prompts: dict[str, Any], reply: str) -> str:
    if prompts.get("enable_chain_of_density"):
        summaries = json.loads(reply)
        assert len(summaries) == 4
        return str(summaries[-1]["Denser_Summary"])
    if not prompts.get("enable_chain_of_thought"):
        return reply.strip()
    fields = json.loads(reply)
    if task != "math":
        return str(fields["answer_choice"])
    number = float(str(fields["answer"]).replace(",", ""))
    return str(int(number)) if number == int(number) else repr(number)
