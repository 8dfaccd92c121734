"""The settings of the scoring engine: small frozen values without secrets that are sent to the workers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from transforms.azure.specs import IdentityRef, WorkspaceRef
from transforms.elements.usage import Spending, TokenPrices
from transforms.ledger.storage import Sealing
from transforms.teacher.kinds.registry import EndpointKind
from transforms.teacher.stream_spec import StreamSpec


class CredentialKind(str, Enum):
    """Where a worker gets the endpoint's credential."""

    NONE = "none"
    ENVIRONMENT = "environment"
    FILE = "file"
    IDENTITY = "identity"
    CONNECTION = "connection"
    SERVERLESS_KEY = "serverless_key"
    ONLINE_KEY = "online_key"
    ONLINE_TOKEN = "online_token"


@dataclass(frozen=True, slots=True)
class CredentialRef:
    """Where to look up a credential; never the credential itself.

    Depending on ``kind``, ``place`` is the name of an environment variable, the path of a file, the scope of a token, or the name of a
    connection or an endpoint of ``workspace``. ``identity`` is the identity for Azure.
    """

    kind: CredentialKind = CredentialKind.NONE
    place: str = ""
    workspace: WorkspaceRef | None = None
    identity: IdentityRef = IdentityRef()


@dataclass(frozen=True, slots=True)
class SamplingSpec:
    """Sampling parameters of every request. ``stop`` may be empty; None and zero penalties are not sent.

    ``merges_system`` merges system messages into the first user message. ``top_logprobs``: how many log probabilities are asked for each token
    besides its own; None asks for none.
    """

    max_new_tokens: int = 128
    temperature: float | None = 0.2
    top_p: float | None = 0.1
    frequency_penalty: float | None = 0.0
    presence_penalty: float | None = 0.0
    stop: tuple[str, ...] = ()
    merges_system: bool = False
    top_logprobs: int | None = None


@dataclass(frozen=True, slots=True)
class EndpointSpec:
    """One endpoint of the teacher.

    ``chat_url`` is the full address for requests. ``headers`` are added to every request. ``extra_body_json`` is
    a JSON object merged into every request. ``ca_bundle`` is a PEM file that replaces the system's authorities.
    """

    chat_url: str
    model: str | None = None
    kind: EndpointKind = EndpointKind.OPENAI
    credential: CredentialRef = CredentialRef()
    headers: tuple[tuple[str, str], ...] = ()
    extra_body_json: str = "{}"
    ca_bundle: str | None = None

    def __repr__(self) -> str:
        names = ", ".join(name for name, _ in self.headers)
        return f"EndpointSpec({self.chat_url!r}, model={self.model!r}, credential={self.credential!r}, headers=[{names}])"


@dataclass(frozen=True, slots=True)
class PoolMember:
    """One endpoint of a pool.

    ``name`` is its name in ledger, report and messages. ``endpoint.model`` is the name that is sent to it, such as a deployment's.
    If several have room, rows are divided by ``weight``. An ``overflow`` gets requests only while all others are full or out.
    """

    name: str
    endpoint: EndpointSpec
    max_requests_per_minute: int | None = None
    weight: float = 1.0
    overflow: bool = False


@dataclass(frozen=True, slots=True)
class ConcurrencySpec:
    """How many requests one scoring process may have on the wire to one endpoint.

    ``initial`` is only the start of the search. A ``maximum`` that is too small leaves the endpoint idle; too large only costs
    a longer search. ``max_requests_per_minute`` caps the pace for an endpoint that others also use; None: no cap.
    """

    initial: int = 5
    maximum: int = 200
    max_requests_per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class PatienceSpec:
    """How long to wait for what, in seconds.

    ``attempt_s`` and ``longest_attempt_s``: the time limit of an unstreamed attempt, before and after a timeout; too small
    cuts off answers that are being paid for, too large holds a slot on a dead connection.
    ``payload_s``: the whole life of one request, retries and waits included; None uses the budget of each kind of failure.
    ``first_answer_s``: how long to try an endpoint that has never answered.
    ``outage_s``: how long to wait for an endpoint that stopped answering.
    ``drain_s``: how long to wait for answers in flight after an interrupt.
    """

    attempt_s: float = 180.0
    longest_attempt_s: float = 300.0
    payload_s: float | None = None
    first_answer_s: float = 15.0
    outage_s: float = 300.0
    drain_s: float = 20.0


@dataclass(frozen=True, slots=True)
class BillSpec:
    """What one model's tokens cost, and what earlier runs spent on it."""

    prices: TokenPrices = TokenPrices()
    before: Spending = Spending()


@dataclass(frozen=True, slots=True)
class BudgetSpec:
    """What a job may use over all its runs in one work_dir; None: no limit.

    ``max_cost`` is in ``currency`` by the prices in the bills of ``teacher`` and ``judge``, ``max_total_tokens`` counts tokens in and out,
    ``max_requests`` requests that reached one of the two. ``processes`` is the expected number of scoring processes that share it;
    ``folder`` is where each writes what is not on the ledger (``budget_keeper``), or None.
    """

    max_cost: float | None = None
    max_total_tokens: int | None = None
    max_requests: int | None = None
    currency: str = ""
    teacher: BillSpec = BillSpec()
    judge: BillSpec = BillSpec()
    processes: int = 1
    folder: str | None = None


@dataclass(frozen=True, slots=True)
class ScoringSpec:
    """All settings of the engine; equal specs share one session per process.

    ``ledger_dir`` is the folder of ledger segments, ``failures_dir`` that of requests without an answer; ``run_id`` names the run
    in both. ``log_requests`` writes a log line per attempt; ``log_prompts`` adds the prompts.
    ``share_identical_answers``: rows with the same request share one answer. ``hedge_stragglers`` sends a second request when
    an answer at the end of the run takes far longer than others, and pays for both.
    ``ask_again`` has reasons (``elements.reasons``): rows whose answer on the ledger was rejected for one of them are sent again,
    once in this run, and the new answer replaces the old one.
    ``stream`` says when answers come token by token, and how long such an answer may be silent.
    ``sealing`` is how long answers are collected before a segment is sealed on object storage. ``control_dir`` is for messages of the
    command to scoring processes that it does not own, or None. ``send`` False sends nothing: a row without an answer on the ledger ends
    without an answer.

    ``pool`` has the endpoints, if there are several; ``endpoint`` is then only for the request hash, with the pool's common model.
    ``judge`` is the judge's engine, beside this one on the same loop: it has its own endpoint, limits and folders, and the budget of this
    one, and ``is_judge``. ``accepted_before`` are the rows on the ledger that give an example, by split, if they were counted before the run.
    """

    endpoint: EndpointSpec
    sampling: SamplingSpec
    concurrency: ConcurrencySpec
    patience: PatienceSpec
    ledger_dir: str
    failures_dir: str
    run_id: str
    seed: int | None = None
    share_identical_answers: bool = False
    hedge_stragglers: bool = False
    log_requests: bool = False
    log_prompts: bool = False
    ask_again: tuple[str, ...] = ()
    stream: StreamSpec = StreamSpec()
    sealing: Sealing = Sealing()
    control_dir: str | None = None
    send: bool = True
    budget: BudgetSpec = BudgetSpec()
    pool: tuple[PoolMember, ...] = ()
    judge: ScoringSpec | None = None
    is_judge: bool = False
    accepted_before: tuple[tuple[str, int], ...] | None = None

    @property
    def called(self) -> str:
        """The endpoint's name in messages, if there is only one."""
        return "the judge" if self.is_judge else "the endpoint"

    @property
    def answers_called(self) -> str:
        """The answers' name in messages."""
        return "verdicts of the judge" if self.is_judge else "answers"

    @property
    def token_limit_setting(self) -> str:
        """The setting for the token limit of answers."""
        return "judge_max_new_tokens" if self.is_judge else "teacher_model_max_new_tokens"

    @property
    def members(self) -> tuple[PoolMember, ...]:
        """The endpoints, at least one."""
        if self.pool:
            return self.pool
        host = urlsplit(self.endpoint.chat_url).netloc.rpartition("@")[2]
        return (PoolMember(host, self.endpoint, self.concurrency.max_requests_per_minute),)
