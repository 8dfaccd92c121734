"""Settings to the frozen specs for the workers."""

from __future__ import annotations

import json
from dataclasses import replace

from beam_distill.config.settings import DistillSettings, as_judge, declared_models, each_teacher
from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.job.azure_endpoint import locate
from beam_distill.job.body_secrets import by_reference
from beam_distill.job.job_spec import JobSpec
from beam_distill.job.judge_specs import judge_scoring, of_judge
from beam_distill.job.spending import budget_spec
from beam_distill.work_dir.leftovers import CONTROL
from transforms.acceptance.registry import CHECKS, JUDGE
from transforms.acceptance.row_result import RowRules, rules_for
from transforms.acceptance.spec import AcceptanceSpec
from transforms.elements.data_specs import ALL_COLUMNS, ColumnSpec, DatasetSpec, DoublesSpec, InputSpec, MetadataSpec, RunFiles, SplitFiles
from transforms.elements.rows import Split
from transforms.elements.tally import GateSpec
from transforms.files.paths import absolute, behind_link
from transforms.ledger.storage import Sealing
from transforms.prompts.spec import AnswerRules, PromptSpec
from transforms.teacher.kinds.registry import KINDS, EndpointKind
from transforms.teacher.payload import request_fields
from transforms.teacher.specs import (
    ConcurrencySpec,
    EndpointSpec,
    PatienceSpec,
    PoolMember,
    SamplingSpec,
    ScoringSpec,
)
from transforms.teacher.stream_spec import StreamMode, StreamSpec


def endpoint_spec(settings: DistillSettings, is_teacher: bool = True) -> EndpointSpec:
    """The teacher's endpoint and credential; asks Azure when only names are given. For several endpoints, the common part of their requests.
    The judge's with the settings ``as_judge``, and not ``is_teacher``: its model is on no list of teachers.

    Raises RunRefused.
    """
    if settings.teachers is not None:
        models = declared_models(settings)
        common = common_endpoint([endpoint_spec(alone) for alone in each_teacher(settings)])
        return replace(common, model=settings.model or (models[0] if models else None))
    located = locate(settings, is_teacher)
    kind = KINDS[located.kind]
    try:
        chat_url = kind.chat_url(located.address, settings.model)
    except ValueError as error:
        raise RunRefused(ExitCode.WRONG_INPUT, f"teacher_model_endpoint_url: {error}") from None
    endpoint = EndpointSpec(
        chat_url=chat_url,
        model=settings.model,
        kind=located.kind,
        credential=located.credential,
        extra_body_json=json.dumps(by_reference(settings.extra_body or {}), sort_keys=True),
        ca_bundle=settings.ca_bundle,
    )
    fields = request_fields(endpoint, sampling_spec(settings))
    problems = kind.bound_problems(chat_url, fields)
    if problems:
        raise RunRefused(ExitCode.WRONG_INPUT, "\n".join(problems))
    headers = {**kind.route_headers(chat_url, fields), **dict(located.headers), **(settings.additional_headers or {})}
    return replace(endpoint, headers=tuple(sorted(headers.items())))


def judge_endpoint(settings: DistillSettings) -> EndpointSpec:
    """The judge's endpoint and credential. Raises RunRefused."""
    try:
        return endpoint_spec(as_judge(settings), is_teacher=False)
    except RunRefused as refused:
        raise of_judge(refused) from None


def common_endpoint(endpoints: list[EndpointSpec]) -> EndpointSpec:
    """The common part of the requests to all these endpoints, which their hash covers."""
    kinds = {endpoint.kind for endpoint in endpoints}
    return EndpointSpec(
        endpoints[0].chat_url,
        endpoints[0].model,
        kinds.pop() if len(kinds) == 1 else EndpointKind.OPENAI,
        extra_body_json=endpoints[0].extra_body_json,
    )


def sampling_spec(settings: DistillSettings) -> SamplingSpec:
    """Sampling parameters of every request."""
    return SamplingSpec(
        max_new_tokens=settings.effective_max_new_tokens,
        temperature=settings.teacher_model_temperature,
        top_p=settings.teacher_model_top_p,
        frequency_penalty=settings.teacher_model_frequency_penalty,
        presence_penalty=settings.teacher_model_presence_penalty,
        stop=tuple(settings.teacher_model_stop or ()),
        merges_system=settings.teacher_system_messages == "merge",
        top_logprobs=settings.teacher_model_top_logprobs,
    )


def input_spec(settings: DistillSettings) -> InputSpec:
    """Both splits; one without input is included if its output is set. Outputs that are symbolic links are followed."""
    shards = settings.output_shards
    # a file that is renamed into the place of a link would replace the link, and leave the data on the wrong disk
    named = settings.generated_batch_train_file_path, settings.generated_batch_validation_file_path
    outputs = [path and behind_link(path) for path in named]
    pairs = [path and behind_link(path) for path in (settings.preference_train_file_path, settings.preference_validation_file_path)]
    splits = [SplitFiles(Split.TRAIN, settings.train_file_path, outputs[0], shards, pairs[0])]
    if settings.validation_file_path or outputs[1]:
        splits.append(SplitFiles(Split.VALIDATION, settings.validation_file_path, outputs[1], shards, pairs[1]))
    chats = ColumnSpec(
        messages=settings.messages_column or "messages",
        user_template=settings.user_template,
        system_template=settings.system_template,
        label=settings.label_column,
    )
    return InputSpec(
        tuple(splits),
        settings.limit,
        readers=settings.max_concurrency_per_instance * settings.instance_count,
        format=settings.input_format,
        columns=replace(chats, others=_other_columns(settings)),
        doubles=DoublesSpec(
            settings.drop_doubles,
            settings.near_double_similarity,
            settings.drop_leaks,
            settings.decontaminate_against,
            chats if settings.decontaminate_template is None else ColumnSpec(user_template=settings.decontaminate_template),
            settings.data_generation_task_type.has_several_turns,
        ),
    )


def _other_columns(settings: DistillSettings) -> tuple[str, ...]:
    """The columns that rows keep beside their chat: a function of the user's sees all of them."""
    kept = settings.keep_columns or ()
    sees_all = any(CHECKS[name].sees_all_columns for name in settings.checks)
    return (*kept, ALL_COLUMNS) if sees_all and ALL_COLUMNS not in kept else kept


def dataset_spec(settings: DistillSettings) -> DatasetSpec:
    """How datasets are written."""
    scored = (JUDGE,) if settings.has_judge else ()
    metadata = MetadataSpec(settings.checks, settings.keep_columns or (), scored) if settings.has_metadata else None
    return DatasetSpec(
        settings.ensure_ascii,
        settings.student_format,
        settings.reasoning,
        settings.output_format,
        metadata,
        settings.teacher_model_top_logprobs is not None,
    )


def run_files(work_dir: str, run_id: str) -> RunFiles:
    """The files of one run in its work_dir."""
    root = absolute(work_dir)
    staging = f"{root}/staging/{run_id}"
    return RunFiles(
        ledger_dir=f"{root}/ledger",
        failures_dir=f"{root}/failures/{run_id}",
        staging_dir=staging,
        rejects_path=f"{root}/rejects.jsonl",
        verdict_path=f"{staging}/verdict.json",
        conclusion_path=f"{staging}/conclusion.json",
        control_dir=f"{staging}/{CONTROL}",
        row_totals_path=f"{staging}/row_totals.json",
    )


def stream_spec(settings: DistillSettings) -> StreamSpec:
    """When answers come token by token."""
    return StreamSpec(StreamMode(settings.stream), settings.first_token_timeout, settings.token_gap_timeout)


def prompt_spec(settings: DistillSettings) -> PromptSpec:
    """Task and reasoning switches."""
    return PromptSpec(
        settings.data_generation_task_type,
        settings.enable_chain_of_thought,
        settings.enable_chain_of_density,
        settings.max_len_summary,
        AnswerRules(settings.bare_answers, settings.other_labels, settings.effective_max_new_tokens),
    )


def acceptance_spec(settings: DistillSettings) -> AcceptanceSpec:
    """The checks of the run."""
    return AcceptanceSpec.from_settings(settings.model_dump(mode="json"))


def rules_of(settings: DistillSettings) -> RowRules:
    """What the replies to a row come to."""
    return rules_for(prompt_spec(settings), acceptance_spec(settings))


def job_spec(
    settings: DistillSettings, endpoint: EndpointSpec, run_id: str, in_process: bool = True, pool: tuple[PoolMember, ...] = ()
) -> JobSpec:
    """Everything that the workers need, without secrets. ``in_process``: the scoring sessions are in the command's own process."""
    files = run_files(settings.resolved_work_dir, run_id)
    scoring = ScoringSpec(
        endpoint=endpoint,
        sampling=sampling_spec(settings),
        concurrency=ConcurrencySpec(
            initial=settings.effective_initial_worker_count,
            maximum=settings.max_worker_count,
            max_requests_per_minute=settings.max_requests_per_minute,
        ),
        patience=PatienceSpec(
            attempt_s=settings.initial_request_timeout,
            longest_attempt_s=settings.max_request_timeout,
            payload_s=settings.max_retry_time_interval or None,  # 0 as in the component: no limit of this kind
            first_answer_s=settings.first_answer_patience,
            outage_s=settings.outage_patience,
            drain_s=settings.drain_timeout,
        ),
        ledger_dir=files.ledger_dir,
        failures_dir=files.failures_dir,
        run_id=run_id,
        seed=settings.seed,
        share_identical_answers=settings.share_identical_answers,
        hedge_stragglers=settings.hedge_stragglers,
        stream=stream_spec(settings),
        log_requests=settings.debug_mode,
        log_prompts=settings.debug_mode and settings.log_prompts,
        sealing=Sealing(settings.ledger_segment_seconds, settings.ledger_segment_bytes),
        control_dir=None if in_process else files.control_dir,
        pool=pool,
        budget=budget_spec(settings),
    )
    return JobSpec(
        rows=input_spec(settings),
        files=files,
        prompt=prompt_spec(settings),
        scoring=_with_judge(settings, scoring),
        dataset=dataset_spec(settings),
        mini_batch_bytes=settings.mini_batch_size,
        gate=GateSpec(settings.min_endpoint_success_ratio, settings.min_readable_ratio, settings.min_accepted_ratio),
        acceptance=acceptance_spec(settings),
    )


def lookup_spec(settings: DistillSettings, endpoint: EndpointSpec) -> ScoringSpec:
    """What a look-up on the ledger needs to know of a run."""
    files = run_files(settings.resolved_work_dir, "")
    looked_up = ScoringSpec(
        endpoint, sampling_spec(settings), ConcurrencySpec(), PatienceSpec(), files.ledger_dir, files.failures_dir, "", sealing=Sealing()
    )
    return _with_judge(settings, looked_up)


def _with_judge(settings: DistillSettings, scoring: ScoringSpec) -> ScoringSpec:
    return replace(scoring, judge=judge_scoring(settings, scoring, judge_endpoint(settings))) if settings.has_judge else scoring


def with_model(endpoint: EndpointSpec, model: str | None) -> EndpointSpec:
    """The endpoint with ``model``."""
    return replace(endpoint, model=model)
