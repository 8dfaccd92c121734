"""``beam-distill check``: everything that can be wrong, before paying."""

from __future__ import annotations

from beam_distill.config.sources import ResolvedSettings
from transforms.elements.rows import PromptRequest, RejectedRow

MOST_BAD_LINES = 20


def run(resolved: ResolvedSettings) -> int:
    """Check files, rows, credential and endpoint; print what was found. Raises RunRefused for what would stop a run."""
    from beam_distill.cli.check_endpoint import check_endpoint
    from beam_distill.preflight import check_files
    from beam_distill.wiring import input_spec, prompt_spec
    from transforms.format_prompts import format_row
    from transforms.prompts.registry import prompt_for
    from transforms.read_rows import walk_split

    settings = resolved.settings
    check_files(settings)
    print("files       all there, all outputs writable")
    prompt = prompt_for(prompt_spec(settings))
    spec = input_spec(settings)
    sample: PromptRequest | None = None
    for files in spec.splits:
        rows = bad = 0
        for row in walk_split(spec, files):
            rows += 1
            ended = format_row(prompt, row)
            if isinstance(ended, PromptRequest):
                sample = sample or ended
            elif isinstance(ended, RejectedRow):
                bad += 1
                if bad <= MOST_BAD_LINES:
                    print(f"  {ended.origin.file}, line {ended.origin.line}: {ended.reason}: {ended.detail}")
        if bad > MOST_BAD_LINES:
            print(f"  ... and {bad - MOST_BAD_LINES} more lines")
        print(f"{files.split.value:<11} {rows - bad} rows can be sent, {bad} cannot")
    return check_endpoint(settings, sample)
