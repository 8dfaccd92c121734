"""What the scoring engine gets to know: small frozen values, free of secrets, that travel to the workers."""

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
    """Where a worker takes the endpoint's credential from."""

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
    """The name of where a credential is to be looked up; never the credential.

    ``place`` is by ``kind`` the name of an environment variable, the path of a file, the scope of a token, or the name of a connection or
    an endpoint of ``workspace``. ``identity`` is who asks Azure.
    """

    kind: CredentialKind = CredentialKind.NONE
    place: str = ""
    workspace: WorkspaceRef | None = None
    identity: IdentityRef = IdentityRef()


@dataclass(frozen=True, slots=True)
class SamplingSpec:
    """Sampling parameters of every request. ``stop`` may be empty; None and zero penalties are not sent.

    ``merges_system`` puts system messages in front of the first user message.
    """

    max_new_tokens: int = 128
    temperature: float | None = 0.2
    top_p: float | None = 0.1
    frequency_penalty: float | None = 0.0
    presence_penalty: float | None = 0.0
    stop: tuple[str, ...] = ()
    merges_system: bool = False


@dataclass(frozen=True, slots=True)
class EndpointSpec:
    """Where the teacher is and how it is addressed.

    ``chat_url`` is the full address that requests are posted to. ``headers`` are added to every request. ``extra_body_json`` is
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
    """One of the endpoints that rows go to.

    ``name`` is what ledger, report and messages call it. Its ``endpoint.model`` is the name that is sent to it, a deployment's for instance.
    Where several have room, rows go by ``weight``. An ``overflow`` is asked only while all others are full or out.
    """

    name: str
    endpoint: EndpointSpec
    max_requests_per_minute: int | None = None
    weight: float = 1.0
    overflow: bool = False


@dataclass(frozen=True, slots=True)
class ConcurrencySpec:
    """How many requests one scoring process may have on the wire to one endpoint.

    ``initial`` only sets where the search begins. ``maximum`` too small leaves the endpoint idle; too large costs nothing but
    a longer search. ``max_requests_per_minute`` caps the pace for an endpoint that others use too; None leaves it free.
    """

    initial: int = 5
    maximum: int = 200
    max_requests_per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class PatienceSpec:
    """How long to wait for what, in seconds.

    ``attempt_s`` and ``longest_attempt_s``: the time one attempt may take that does not stream, the first and every later one; too small
    cuts off answers that are being paid for, too large holds a slot on a dead connection.
    ``payload_s``: the whole life of one request, retries and waits included; None uses the budget of each kind of failure.
    ``first_answer_s``: how long to try an endpoint that nothing was ever heard from.
    ``outage_s``: how long to wait for an endpoint that stopped answering.
    ``drain_s``: how long answers in flight are waited for after an interrupt.
    """

    attempt_s: float = 180.0
    longest_attempt_s: float = 300.0
    payload_s: float | None = None
    first_answer_s: float = 15.0
    outage_s: float = 300.0
    drain_s: float = 20.0


@dataclass(frozen=True, slots=True)
class BudgetSpec:
    """What a job may take over all its runs in one work_dir; None is no limit.

    ``max_cost`` is in ``currency`` by ``prices``, ``max_total_tokens`` counts tokens in and out, ``max_requests`` what reached the teacher.
    ``before`` was spent by earlier runs. ``processes`` is how many scoring processes are expected to share it; ``folder`` is where each
    notes what the ledger does not show (``budget_keeper``), None for nowhere.
    """

    max_cost: float | None = None
    max_total_tokens: int | None = None
    max_requests: int | None = None
    prices: TokenPrices = TokenPrices()
    currency: str = ""
    before: Spending = Spending()
    processes: int = 1
    folder: str | None = None


@dataclass(frozen=True, slots=True)
class ScoringSpec:
    """All the engine needs to know; equal specs share one session per process.

    ``ledger_dir`` is the folder of ledger segments, ``failures_dir`` that of requests without an answer; ``run_id`` names the run
    in both. ``log_requests`` writes a log line per attempt; ``log_prompts`` adds what was asked.
    ``share_identical_answers`` lets rows with the same request share one answer. ``hedge_stragglers`` asks a second time when
    an answer in the quiet tail takes far longer than others did, and pays for both.
    ``ask_again`` holds reasons (``elements.reasons``): rows whose answer on the ledger was rejected for one of them are sent again,
    once in this run, and the new answer stands in for the old.
    ``stream`` is when answers come token by token, and how long such an answer may be silent.
    ``sealing`` is how long answers gather before a segment is sealed on object storage. ``control_dir`` is where the command leaves word
    for scoring processes that are not its own; None when they are. ``send`` False sends nothing: a row that the ledger does not answer ends
    without an answer.

    ``pool`` holds the endpoints that rows go to, where there are several; ``endpoint`` is then what the request hash is made of, and its
    model the one that all of them are.
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

    @property
    def members(self) -> tuple[PoolMember, ...]:
        """The endpoints that rows go to, at least one."""
        if self.pool:
            return self.pool
        host = urlsplit(self.endpoint.chat_url).netloc.rpartition("@")[2]
        return (PoolMember(host, self.endpoint, self.concurrency.max_requests_per_minute),)
