"""Whether a remote work_dir can be reached at all."""

from __future__ import annotations

from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.job.beam_options import BeamGiven, use_storage_options
from beam_distill.work_dir.files import lacks_client, unknown_filesystem
from transforms.files.paths import is_remote

_ACCOUNTS = {
    "azfs": "The account is named by AZURE_STORAGE_CONNECTION_STRING, or by --blob_service_endpoint https://ACCOUNT.blob.core.windows.net",
    "s3": "The account is named by the AWS variables or Beam's --s3_* options",
    "gs": "The account is that of gcloud auth application-default login, or GOOGLE_APPLICATION_CREDENTIALS",
    "": "The account is named by the storage's own variables or by Beam's options",
}


def reach(work_dir: str, beam_argv: tuple[str, ...] = ()) -> None:
    """Make sure that a remote work_dir can be read; ``beam_argv`` may name its storage account. A local one needs no check.

    Raises RunRefused with the storage's error.
    """
    if not is_remote(work_dir):
        return
    if lacks_client(work_dir):
        raise RunRefused(ExitCode.WRONG_INPUT, f"work_dir: {unknown_filesystem(work_dir)}")
    # late: keeps Beam out of the start
    from apache_beam.io.filesystems import FileSystems

    use_storage_options(BeamGiven(beam_argv))
    try:
        FileSystems.get_filesystem(work_dir)
    except ValueError:
        raise RunRefused(ExitCode.WRONG_INPUT, f"work_dir: {unknown_filesystem(work_dir)}") from None
    try:
        FileSystems.match([f"{work_dir.rstrip('/')}/*.json"])
    except Exception as error:  # noqa: BLE001 - every filesystem has errors of its own
        cause = _innermost(error)
        raise RunRefused(
            ExitCode.STORAGE_FAILED,
            f"work_dir: {work_dir} cannot be read: {type(cause).__name__}: {_first_line(cause)}. Is the path right, and may this login read "
            f"it? {_ACCOUNTS.get(work_dir.partition('://')[0], _ACCOUNTS[''])}",
        ) from None


def _innermost(error: BaseException) -> BaseException:
    """The storage's own error, which Beam wraps once or twice."""
    wrapped = [inner for inner in (getattr(error, "exception_details", None) or {}).values() if isinstance(inner, BaseException)]
    return _innermost(wrapped[0]) if wrapped else error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [""])[0].rstrip(".")
