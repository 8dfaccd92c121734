"""`beam-distill run` from Python.

python examples/from_python.py TEACHER_URL FOLDER
"""

import sys
from pathlib import Path

from beam_distill import distill


def main(url: str, folder: str) -> None:
    """Distil the math examples and print the result."""
    here = Path(__file__).parent
    result = distill(
        data_generation_task_type="MATH",
        train_file_path=str(here / "math" / "train.jsonl"),
        generated_batch_train_file_path=str(Path(folder) / "train.jsonl"),
        teacher_model_endpoint_url=url,
        enable_chain_of_thought=True,
        teacher_model_max_new_tokens=512,
    )
    print(result)
    print(result.exit_code.name, result.datasets, result.metrics.get("requests_sent"))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(
            "usage: python examples/from_python.py TEACHER_URL FOLDER   (beam-distill simulate serves a teacher at http://127.0.0.1:8000/v1)"
        )
    main(*sys.argv[1:3])
