"""The words of servers' errors: patterns for texts in the form of ``error_body.plain``, and codes with their status.

Only data; ``classify`` decides their order. tests/world has cases with their sources.
"""

from __future__ import annotations

import re

from transforms.teacher import error_words_chinese as chinese

_UP_TO_3 = r"(?:[^\s.,;:]+ ){0,3}"
_UP_TO_6 = r"(?:[^\s.,;:]+ ){0,6}"


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


MONEY_GONE = _any_of(
    rf"insufficient[ -]{_UP_TO_3}(?:quota|balance|credits?|funds?|budget)\b",
    r"(?:credit|account|prepaid|token|wallet) balance (?:is |was )?(?:too low|insufficient|exhausted|depleted|not enough|empty|negative|zero)",
    r"balance (?:is |was |of |: )?(?:too low|insufficient|not enough|exhausted|depleted|negative|zero|[$€¥＄]? ?0(?:\.0+)?(?![\d.]))",
    r"(?:not|isnt) (?:have )?(?:enough|sufficient) (?:\w+ )?(?:balance|credits?|funds|quota)",
    r"quota (?:is )?(?:not enough|insufficient)|non-?payment|billing (?:period|cycle)",
    r"\b(?:no|out of) (?:remaining |more )?(?:balance|funds|money|quota)\b|key limit exceeded",
    rf"\b(?:no|out of|any|all|remaining|used up) {_UP_TO_3}credits?\b(?! (?:were|was|have been|will be) (?:charged|deducted|used|consumed))",
    rf"\bcredits? {_UP_TO_3}(?:exhausted|depleted|exceeded|expired|used up|ran out|run out|required)",
    rf"\b(?:exhausted|depleted|consumed|exceeded|used) {_UP_TO_3}credits?\b",
    r"can only afford|credit card (?:is )?(?:on file|required)|valid credit card|unpurchased",
    r"billing (?:hard )?limit|billing (?:account )?(?:is )?(?:not active|disabled|inactive|closed|not enabled|not set up)",
    r"(?:enable|requires?|without|set up|activate) (?:a |an )?(?:valid |active )?billing|billing (?:to|must) be enabled|billing error",
    r"payment (?:method )?(?:is )?(?:required|overdue|failed|missing|declined)|card (?:was |is )?declined"
    r"|overdue|in arrears|arrearage|past due|unpaid|good standing",
    r"spend(?:ing)?[ -](?:limit|cap|budget)|(?:reached|exceeded|hit) (?:its|your|the) credit limit|cost limit|dollar limit|usage cap",
    r"(?<!thinking )(?<!reasoning )(?<!token )budget (?:has been |is |was |limit )?(?:exceeded|exhausted|reached|spent|used up)",
    r"\bbudget full\b",
    rf"(?:exceeded|over|exceeds|reached) {_UP_TO_3}(?<!thinking )(?<!reasoning )(?<!token )(?:max )?budget\b|exceeded budget|budget exceeded",
    rf"(?:monthly|included) {_UP_TO_3}(?:credits?|quota|allowance|budget|spend\w*)",
    r"(?:subscription|plan|trial|license|licence|package) (?:has |is )?(?:expired|ended|inactive|not active|not purchased)|not purchased",
    rf"free (?:tier|trial|quota|allocated quota|allocation|credits?|usage|plan) {_UP_TO_6}(?:exhausted|exceeded|expired|ended|used up)",
    rf"(?:exhausted|exceeded|used up|consumed|reached) {_UP_TO_6}(?:of|for|in|on) {_UP_TO_3}free trial\b",
    rf"(?:exhausted|exceeded|used up|consumed) {_UP_TO_6}free (?:tier|trial|quota|allocation|credits?|usage|allowance)",
    r"(?:does not|doesnt|no) (?:have )?(?:a )?free (?:quota )?tier",
    rf"account {_UP_TO_6}(?:suspended|not active|inactive)[^.]{{0,80}}(?:balance|billing|plan|recharge|top up|pay)",
    r"exceeded current quota error|plan (?:does not|doesnt) (?:include|cover)|included usage",
    r"not (?:available|included) (?:on|in|with) (?:this|your) (?:current )?plan",
    r"\blimit(?: is| of|(?: is)? set to|:)? ?0\b(?![.,/]?\d)|quota(?: value)?(?: is| of|:)? ?0\b(?![.,/]?\d)",
    r"(?:requires?|need|(?:no|not have an?|without an?) (?:active|valid|current)) (?:a |an )?(?:\w+ )?subscription|not subscribed"
    r"|\brun out of (?:available )?(?:resources|usage|requests|funds|credits?|quota)\b"
    r"|subscription (?:has )?(?:lapsed|been canceled)|out of tokens\b"
    r"|budget for (?:this |the |your )?(?:project|key|team|user|account|api key)\b[^.\n]{0,20}(?:exhausted|exceeded|reached|spent|used up)"
    r"|balance (?:is |was )?(?:not sufficient|has run out)|\bhard limit (?:was |has been )?(?:reached|exceeded)",
    r"\bout of (?:extra )?usage\b|\bextra usage is required|from your extra usage\b|used up (?:all )?your points",
    r"\badd (?:a |your )?billing\b|\bcurrent spend\b",
    r"purchase (?:a |an )?(?:\w+ )?subscription|billing (?:has )?not (?:yet )?been enabled|(?:reached|exceeded|hit) your subscription quota",
    r"balance (?:is )?required|set limit exceeded|inference limit",  # the last two: Volcengine, for a limit that its user has set
    chinese.MONEY_GONE,
)
"""The account is not served until somebody pays or a month ends."""

MONEY_ADVISED = re.compile(
    rf"\b(?:more|add|purchase|buy|need) {_UP_TO_3}credits?\b|(?:add|update) (?:a |your )?payment method|add (?:more )?funds"
    rf"|(?:top[ -]up|recharge) your|{chinese.MONEY_ADVISED}"
)
"""No money left, unless the same text names a limit per minute: then this is the advice for a higher one."""
QUOTA_EXCEEDED = re.compile(
    rf"exceeded (?:your|the) (?:current |assigned |allotted )?quota|quota {_UP_TO_3}(?:exhausted|depleted|used up|reached|consumed)"
    rf"|(?:reached|exceeded|hit) {_UP_TO_6}usage limits?\b"
    rf"|\busage limits? (?:of [^.\n]{{0,30}}?)?(?:are |is |was |has been )?(?:exhausted|exceeded|reached|hit)\b|call volume quota"
    rf"|{chinese.QUOTA_EXCEEDED}"
    r"|\busage (?:has )?(?:reached|exceeded) (?:the|your) (?:\w+ )?(?:limit|cap)\b"
    r"|\bfree (?:tier|plan) (?:usage )?limit (?:was |is |has been )?(?:reached|exceeded)"
)
ASKED_TO_COME_BACK = re.compile(
    r"\b(?:try|retry)(?: again| (?:the|your) request)?,? (?:later|shortly|soon|in a (?:bit|few|little|moment|while|short))\b"
)
"""A limit that resets by itself, if the text names neither a period nor a way to pay."""
BILLING = re.compile(r"\bbilling\b")
UPGRADE_ADVISED = re.compile(r"\bupgrade (?:your|the|to a (?:\w+ )?) ?plan\b")
"""No money left, but not with 429, where every limit per minute advertises a higher plan."""
ALLOTTED_PACE = re.compile(
    r"(?<!free )(?<!week )(?<!month )\ballocated quota exceeded|exceeded your current quota\b[^\n]*error-code#token-limit\b"
)
"""Alibaba's words for its limits per minute, with the code and even the sentence that others use for no money left."""
SOME_LIMIT = re.compile(rf"quota|limit|allowance|allocation|\bcool(?:ing)? ?down|{chinese.SOME_LIMIT}")
SHORT_PERIOD = re.compile(
    r"(?:\bper|\ba|each|every|/)[ -]?(?:second|sec|minute|min|hour|s)\b|\b(?:rpm|tpm|rps|qps|tps|itpm|otpm)\b|minute|hourly|concurren"
    rf"|{chinese.SHORT_PERIOD}"
)
_SEVERAL_HOURS = r"(?:[2-9]|[1-9]\d)[ -]?(?:hours?|hrs?|h)\b"
LONG_PERIOD = re.compile(
    rf"limit (?:was |is |has been )?(?:reached|exceeded|hit|exhausted) (?:for|in|within) (?:the |your |this )?(?:last |past )?{_SEVERAL_HOURS}"
    rf"|\b{_SEVERAL_HOURS} (?:usage |request |message |token |rolling )*(?:limit|quota|allowance|window)"
    rf"|\b(?:per|every|each|within|in) (?:the |a |any )?(?:last |past )?{_SEVERAL_HOURS}"
    r"|\b(?:daily|weekly|monthly)\b|(?:\bper|\ba|each|every|/)[ -]?(?:day|week|month)\b|\b(?:rpd|tpd)\b|for the (?:day|week|month)"
    r"|today|tomorrow|\b(?:this|next) (?:week|month)\b|\bresets? (?:at )?\d{1,2}(?::\d\d)? ?[ap]\.?m\b"
    r"|\bresets? (?:on )?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]* \d"
    rf"|{chinese.LONG_PERIOD}"
)
DAY_QUOTA_NAMED = re.compile(r"\bgenerate \w+ (?:\w+ ){0,5}per day\b")
"""The id of a quota of Google's models (``GenerateRequestsPerDayPerProjectPerModel``), in words."""
COUNTED = re.compile(
    r"too many|exceed\w*|\breached\b|exhausted|\bused\b|\bmax(?:imum)?\b|\bcap\b"
    r"|\b(?:requests?|tokens?|messages?|calls?)[ -](?:per|an?|each|every|in|within|for|/)\b"
)
"""A 429 about a long period without a word for a limit: Bedrock's "Too many tokens per day"."""

TOO_LARGE = _any_of(
    r"request (?:body |entity |payload |size )*(?:is |was )?too (?:large|big)",
    r"(?:payload|entity|body|content length) (?:is |was )?too (?:large|big)",
    r"longer than [^.\n]{0,40}\b(?:for|in) a single request\b",
    r"(?:request|body|payload) (?:size |body )*exceed\w* (?:the )?(?:\w+ ){0,3}(?:size|bytes|mb|kb)\b(?![^.\n]*\b(?:load|demand))",
)
REQUESTED_OF_LIMIT = re.compile(r"limit:? ?(?P<limit>[\d,]+)\b[^\n]{0,60}?\brequested:? ?(?P<requested>[\d,]+)")
LIMIT_OF_REQUESTED = re.compile(
    r"\b(?:request\w*|needs?|requires?|contains?) (?P<requested>[\d,]+) tokens?\b[^\n]{0,60}?limit(?: is| of|:)? ?(?P<limit>[\d,]+)"
)

_INPUT = r"\b(?:prompt|inputs?|messages?|context|conversation|requests?|requested|query|sequence|text|completion)\b"
_EXCEEDS = (
    r"(?:exceed\w*|longer|greater than|larger than|bigger than|more than|above|surpass\w*|beyond|over the|overflow\w*|not fit"
    r"|too (?:long|large|many|big)"
    r"|must be (?:<=?|≤|less|at most|no more|under|below|shorter)|must have (?:less|fewer)|should (?:not|be (?:less|<|≤|at most|no more)))"
)
CONTEXT_TOO_SMALL = _any_of(
    r"max(?:imum|imal|\.)? (?:model |supported )?(?:context|prompt|sequence|input) (?:length|size|window|tokens?)\b",
    r"max(?:imum)? (?:model|seq(?:uence)?|input) len\b|maximum model length|max (?:num|total) tokens|max(?:imum)? context\b|\bn ctx\b",
    rf"\btokens? (?:limit |count )?{_EXCEEDS}|\b\d[\d,]* tokens?\b[^;\n]{{0,80}}(?:only supports?|limit (?:of|is)|max(?:imum)? (?:of|is))",
    rf"{_INPUT}[^;\n]{{0,60}}(?:beyond|exceed\w*|(?:more|larger|longer) than) (?:what )?(?:the|this) (?:model|endpoint|server|limit)",
    rf"context(?! deadline)(?: length| window| size| limit| token limit)? {_UP_TO_3}(?:{_EXCEEDS}|is full|too small)",
    rf"{_EXCEEDS}[^.]{{0,80}}\bcontext(?: length| window| size| limit)?\b",
    rf"tokens? in {_UP_TO_3}more than max",
    r"requires? (?:approximately |about |~ ?)?[\d,]+ tokens\b[^\n]{0,60}\bcontext (?:limit|length|window|size)\b",
    r"exceed context|context shift is disabled",  # the latter: llama.cpp, when an answer fills the context
    rf"{_INPUT}[^.;\n]{{0,30}}? too (?:long|many tokens)\b|{_INPUT}[^.;\n]{{0,20}}? (?:is|are) longer than",
    rf"{_INPUT}[^;\n]{{0,100}}?\b(?:tokens?|length|characters|chars)\b[^;\n]{{0,100}}?{_EXCEEDS}",
    rf"\b(?:tokens?|length|characters)\b[^.;\n]{{0,40}}{_INPUT}[^.;\n]{{0,60}}{_EXCEEDS}",
    r"exceed\w* [^.;\n]{0,60}?(?:max\w*|limit|allowed|supported|model)[^.;\n]{0,30}?\b(?:tokens?|length|token limit|characters)\b",
    rf"{_EXCEEDS}[^.;\n]{{0,60}}\bmax\w* (?:allowed |input |sequence |prompt |number of )*(?:length|tokens)\b",
    r"reduce (?:the )?(?:length|size|number of tokens)(?: of| in)? (?:the |your )?(?:messages|prompt|input|context|request)",
    r"(?:reduce|shorten) (?:the |your )?(?:prompt|input|messages|context)\b|shorter (?:prompt|input)",
    rf"{_INPUT} must have (?:less|fewer) than|at most [\d,]+ (?:total |input |context |prompt )?tokens\b",
    r"max size:? [\d,]+ tokens|max length:? [\d,]+, actual",
    r"range of input length|string too long|string above max length|tokens limit reached|conversation limit",
    r"too many (?:input |prompt |total |text )*(?:tokens|bytes|characters)",
    rf"{_INPUT} (?:is )?too large for (?:this|the) model|context (?:window|length|size) is \d[^.\n]{{0,40}}request",
    r"\b(?:prompt|inputs?|messages?|conversation) exceed\w* (?:the )?max",
    rf"{_INPUT} (?:is )?too large to process|\bover (?:the )?context (?:window|length|size)",
    r"only (?:handles?|process|supports?|accepts?) (?:up to )?[\d,]+ tokens\b|\btokens?\b[^;\n]{0,40}exceeds? (?:the )?model limit",
    r"max(?:imum)? input characters|number of tokens to keep from the initial prompt|not enough (?:room|space|kv cache|context)",
    chinese.CONTEXT_TOO_SMALL,
)
"""Not for a 429, which says such things about the requests of a minute."""
CONTEXT_LENGTH_GIVEN = re.compile(r"\bcontext (?:length|window|size|limit)[^\n]{0,40}\d")
"""For a gateway that returns 502 or 503 for an error of the server: only such certain words count."""
NO_ROOM_LEFT = re.compile(
    r"\bmax (?:new |completion |output )?tokens must be (?:at least 1|greater than 0|(?:strictly )?positive)[^.\n]{0,20} (?:-\d+|0)\b"
)
"""A limit that the server computes from the context left after the prompt: nobody asks for less than one token."""
OUTPUT_SETTING = re.compile(r"\bmax (?:new |completion |output )?tokens\b")
INPUT_NAMED = re.compile(r"\b(?:prompt|inputs?|messages?|context (?:length|size)|requested|tokens? in (?:the |your )?request)\b")

FILTERED = _any_of(
    r"personally identifiable|\bpii\b|hate speech|blocked for (?:hate|violence|sexual|self|harm|abuse)"
    r"|harmful request|not permitted under|\bcontent (?:was |is )?blocked",
    r"content[ -]?(?:filter\w*|polic\w+|moderation|management|inspection|safety|exists risk|risk|violat\w+|restriction)",
    r"(?:prohibited|forbidden|banned|blocked|disallowed) (?:terms?|words?|keywords?|topics?)|\bnsfw\b|\bmoderation\b|classified as",
    r"prompt (?:shield|injection|attack)|attack detected",
    r"\b(?:content|prompt|input|output|text|message|response)s?\b[^.\n]{0,50}\b(?:is|was|are|were|been) (?:blocked|flagged)",
    r"(?:sorry,? |^|\n)(?:but )?i (?:cant|cannot|wont|will not|am unable to|am not able to) (?:help|assist|comply|discuss)\b",
    r"data inspection|inappropriate|high[ -]risk|new sensitive|output sensitive|sensitive (?:words?|content|information|topics?)",
    r"(?:unsafe|toxic|harmful|prohibited|disallowed|objectionable|offensive) (?:or \w+ )?(?:content|text|prompt|input|language|material)",
    r"(?:violat\w+|flagged|blocked|rejected|refused|against|triggered|prohibited|breach\w*)[^.\n]{0,80}"
    r"(?:polic(?:y|ies)|guidelines?|safety|responsible|moderation|terms of|practices|guardrail|filter)",
    r"(?:polic(?:y|ies)|guidelines?|safety|moderation|guardrails?)[^.\n]{0,60}(?:violat\w+|flagged|blocked|triggered|interven\w+|reject\w+)",
    r"guardrails? checks?[^.\n]{0,40} failed",
    r"\b(?:input|prompt|content|message|request|output|response|text)s? (?:was |were |is |are |has been |have been )?"
    r"(?:flagged|moderated|censored)",
    r"flagged (?:by|as|for)|jail ?break|responsible ai|for safety reasons",
    r"safety (?:system|filters?|checks?)\b",
    r"\b(?:prompt|response|input|output) (?:pattern |text )?(?:was |is |has been |were )?blocked",
    r"blocked (?:input|output|prompt|response)\b|block reason",
    r"blocked (?:due to|by|because)[^.\n]{0,60}(?:safety|security|polic|filter|content)",
    chinese.FILTERED,
)
NOT_LET_IN = re.compile(
    r"\b(?:country|region|location|territory)\b[^.\n]{0,30}\bnot (?:supported|available|allowed)"
    r"|not available in your (?:country|region|location)"
    r"|network (?:polic\w+|rules?|security)|\bip (?:address|allow|whitelist|is not)|(?<!llm )(?<!ai )(?<!prompt )firewall"
    r"|\bcors\b|virtual network|private endpoint"
    r"|(?:account|organi[sz]ation|project|api key|workspace|team) "
    rf"{_UP_TO_6}(?:disabled|suspended|banned|terminated|deactivated|locked|restricted|flagged|blocked|frozen|closed|under review)"
    rf"|(?:unusual|suspicious|abusive) (?:account )?activity|{chinese.NOT_LET_IN}"
)

GENERATION_FAILED = _any_of(
    r"failed to (?:generate|validate) json|failed to call a function|\btool use failed\b|\bjson validate failed\b|\boutput parse failed\b",
    r"\bmodel (?:generated|produced) (?:invalid|malformed|unparsable)|\bmodel generated (?:an )?output that (?:could not|cannot) be parsed",
    r"unexpected tokens? \S{0,20} ?(?:remaining in message header|while expecting start token)"  # the reader of gpt-oss's channels
    r"|\bfailed to parse input at pos\b",  # llama.cpp
)
"""The endpoint cannot parse its model's output: the next try may succeed."""

CANNOT_BE_RENDERED = _any_of(
    r"\bjinja|\btemplate ?(?:error|exception|prompt error|syntax error)",
    r"(?:apply\w*|render\w*|execut\w*|process\w*) (?:the |a )?(?:chat |prompt )*template|roles must alternate",
)
"""With status 500: the server's chat template fails for these messages, and will fail again."""

KEY_REFUSED = _any_of(
    r"(?:api|access|subscription|auth\w*)[ -]?(?:key|token)s? (?:is |was |has |provided )*(?:not valid|invalid|expired|missing|incorrect|wrong)",
    r"(?:invalid|incorrect|wrong|expired|missing|no|bad) (?:api|access|auth\w*|subscription|bearer|security)[ -]?(?:key|token)",
    r"authenticat\w+ (?:fails?|failed|error)|no (?:auth )?credentials|no authorization header|(?:token|key) (?:is |has )?expired|expired token",
    r"(?:api|access|bearer)[ -]?(?:key|token) (?:not found|invalid|revoked|not recogni[sz]ed)|unrecogni[sz]ed api key",
    r"(?:^|\n)unauthorized\b|invalid authorization header|missing (?:required )?header:? (?:authorization|(?:x-)?api-key)\b",
    r"provide (?:a |an |your )?(?:valid )?(?:api key|access token|credentials)|authentication (?:is )?required",
    r"could not validate credentials|(?:missing|malformed|invalid|expired) (?:or \w+ )?(?:jwt|credentials)\b",
    r"invalid [^.\n]{0,30}\bcredentials\b|login fail|(?:could not|cannot|failed to|unable to) authenticate|invalid authentication"
    r"|\bnot authenticated|\bunauthenticated",
    chinese.KEY_REFUSED,
)
NO_PERMISSION = re.compile(
    r"(?:insufficient|missing|lacks?|no|without) (?:the )?(?:required )?(?:permissions?|scopes?)\b|\bpermission (?:error|denied)"
    r"|not have (?:the )?(?:\w+ )?permissions?\b|\b(?:is|are) not allowed to (?:use|access|call)\b"
)
NOT_HERE = _any_of(
    r"\bunexpected endpoint\b|\b(?:unknown|unrecognized|invalid|unsupported|no such) (?:api |request )?(?:endpoint|route|path|url)\b"
    r"|\bcannot (?:get|post) /|\bno (?:such |matching )?route\b"
    r"|\b(?:endpoint|route|path) (?:was |is )?(?:not found|does not exist|doesnt exist)"
    r"|\bapi[ -]version\b[^.\n]{0,20} (?:not supported|unsupported|invalid)|\b(?:unsupported|invalid) api[ -]version\b",
    r"\bmodels?[ /](?:[^\s,;]+ ){0,3}(?:was |is |could |can )?"
    r"(?:not (?:be )?(?:found|available|supported|enabled|deployed)|(?:has |have )?not been deployed|(?:does |do )?not exist|doesnt exist)\b",
    r"(?:could not|cannot|unable to) find (?:the |a )?model\b|not a (?:supported|recogni[sz]ed|known) model\b|no model named"
    r"|not in the list of (?:supported|available) models|\bdeployment [^.\n]{0,60}(?:could not be|not) found",
    rf"\bmodel {_UP_TO_6}(?:decommissioned|retired|no longer)|model decommissioned",
    r"(?:invalid|unknown|no such|unsupported|non-?existent|unrecognized|unavailable) model\b|\bno models? (?:is |are )?(?:currently )?loaded\b"
    r"|llm provider not provided|\bmodel\b[^.\n]{0,40} (?:is |are )?unavailable in your\b|\bmodel is only available (?:for|to|on|in|with)\b",
    rf"\bmodel (?:id|identifier|name)\b {_UP_TO_6}(?:is )?(?:invalid|incorrect|unknown|not valid|not recogni[sz]ed)|is not a valid model\b"
    r"|does not work with the specified model"
    r"|on-demand throughput isnt supported",
    chinese.MODEL_UNKNOWN,
)
"""No such model, or no such route."""
PACE = _any_of(
    r"rate[ -]?limit\w*|too many (?:requests|calls)",
    r"too many concurrent|throttl\w+|requests? per (?:second|minute|min|hour|day)|request limit exceeded",
    rf"concurren\w+ {_UP_TO_3}(?:limit|exceed)|\b(?:rpm|tpm|qps)\b|slow down|frequency limit|request rate|\btoo (?:quickly|fast|frequently)\b",
    chinese.PACE,
)
ASKED_TO_WAIT = re.compile(r"\bwait (?:\w+ ){0,3}(?:before|and) (?:trying|try|retrying|retry|sending)\b")
BUSY = _any_of(
    r"overload\w*|temporarily unavailable|try again (?:later|in)|service unavailable|unavailable|loading|warming up|\bbusy\b",
    chinese.BUSY,
    chinese.FULL,
    r"no (?:available |healthy |live )?(?:workers?|capacity|instances?|backends?|upstreams?|providers?|servers?)\b|at capacity|out of capacity"
    r"|capacity (?:temporarily |is )?exceeded",
)
FULL = _any_of(
    r"\b(?:servers?|models?|engines?|service|system|backends?|replicas|upstreams?)\b[^.\n]{0,30}\b(?:is|are) (?:currently |temporarily )?"
    r"(?:overloaded|at capacity|out of capacity|busy)\b|temporarily (?:overloaded|unavailable)|out of capacity"
    r"|at max(?:imum)? capacity|\b(?:server|engine|model|service|upstream|backend)s? overloaded|(?:request )?queue (?:is )?full|peak load"
    r"|(?:high|heavy) (?:demand|load|traffic)|service (?:is )?(?:currently |temporarily )?unavailable|capacity (?:limit|constraint)s?"
    r"|\bno (?:healthy|available) (?:deployments?|upstreams?|backends?|workers?|accounts?|instances?|servers?|nodes?|replicas?)\b"
    r"|\bdeployment is (?:paused|stopped)"
    r"|\b(?:is|are) (?:currently )?being (?:updated|deployed|restarted|loaded)|\bmodel\b[^.\n]{0,40}\b(?:is|are) (?:still |currently )?loading\b"
    r"|no available channel|warming up|cold[ -]start\w*|scaling up|pool (?:is )?exhausted",
    r"\bdegraded function cannot be invoked|\bno (?:gpu |free |available |spare )*capacity|\bno (?:free )?slots? available|\bslots? unavailable",
    r"\b(?:llm|model|server)s? (?:too )?busy\b",
    r"\b(?:instances?|servers?|engines?|workers?|deployment|backends?) (?:is |are )?(?:currently |still )?"
    r"(?:starting|restarting|booting|initiali[sz]ing|not ready)|\bmodel\b[^.\n]{0,40} (?:is |are )?(?:currently |still )?(?:cold|not ready)\b",
    chinese.FULL,
)
"""Narrower than BUSY, for statuses that usually blame the request."""
SERVER_FAULT = _any_of(
    r"\binternal (?:server |service )?(?:error|failure|exception)\b(?!\.\S* ?invalid)|\bbad gateway\b|\bdo request failed\b"
    r"|\bchannel error\b|\bcompute error\b",
    r"\bupstream (?:\w+ )?(?:connect error|unavailable|disconnected|closed|timed? ?out|(?:failed|failure)\W*(?:$|\n))|\bunknown error\b"
    r"|\bupstream\b[^.\n]{0,30} returned (?:an |a server )?error\b",
    r"(?:status|code|http)[: ]+50[0234]\b|\b50[0234]:? (?:bad gateway|service (?:temporarily )?unavailable|gateway time)",
    r"\bnetwork (?:error|failure|issue)|\bconnection (?:was )?(?:reset|refused|closed|aborted|lost|error|failure)|\bsocket hang ?up"
    r"|\beconnreset",
    r"\bengine ?core (?:encountered|has|is)\b|\bengine ?dead|\bbackground loop has errored|\bengine loop is not running|\bworker failed with",
    r"\bcuda error|\bout ?of ?memory\b|\binsufficient memory\b|\bmetal::malloc\b"
    r"|\billegal memory access|\bserver had an error\b|\bprocess (?:has |was )?(?:terminated|no longer running)",
    r"\bconnection attempts failed|\bdisconnected without|\bcannot connect to\b|\bconnect call failed|\bpeer closed connection"
    r"|\bincomplete (?:chunked )?read",
    r"(?:^|\n)(?:unexpected )?eof(?:$|\n)",
    r"\bfetch failed\b|\bbroken pipe\b|\b(?:request|operation|context) (?:was |has been )?(?:aborted|cancell?ed)\b",
    r"\b(?:model|engine|worker|runner|backend|server|process)s? (?:has |was |is |were )?(?:been )?(?:crashed|died|(?:un|re)loaded|restarted)",
    r"\bfailed to load (?:the )?(?:llm engine|model)\b|\bsomething went wrong\b|\bunexpected (?:server |internal )?error\b",
    chinese.SERVER_FAULT,
)
"""In a sentence, with a status that usually blames the request: the server or its backend failed, and the next try may succeed."""
REQUEST_AT_FAULT = _any_of(
    r"\b(?:in)?valid\b(?! request error)|\bmust\b|\bshould\b|\brequire[ds]?\b|\bmissing\b|\bexpect(?:ed|s)\b|malformed|\bunsupported\b"
    r"|\bneeds?\b",
    r"\bnot (?:be )?(?:support\w*|allow\w*|permit\w*|accept\w*|recogni[sz]ed|configured|eligible|provided|specified|set|included?|empty|null)",
    r"(?:unknown|unrecogni[sz]ed|unexpected|extra|duplicate|illegal|bad|wrong|incorrect|conflicting) "
    r"(?!error|response|failure|gateway|request\b)\w+",
    r"\bvalidation\b|\bpars(?:e|ing)\b|\bschema\b|unmarshal|deseriali[sz]|\bsyntax\b|\bjson\b|\btype ?error\b|\bvalue ?error\b|\bunicode",
    r"\bcan ?not (?:be|exceed|contain|have|both|use|specify)\b|\bcan only\b|\bat (?:least|most)\b|\btoo (?:few|short|small|large|many|big)\b",
    r"\b(?:greater|less|more|higher|lower|larger|smaller) than\b|\bout of (?:range|bounds)\b|\bexceed\w*|\bempty\b|\bincorrect\b|\bdoes not "
    r"(?:support|accept|allow|match)|\bdoesnt (?:support|accept|allow|match)|\bno (?:user )?messages?\b|\bin position\b|\bhas no effect\b",
    r"\b(?:parameters?|params?|arguments?|fields?|roles?|templates?|tokenizer)\b|\bonly allowed (?:when|with|if|for)\b|failed to decode\b"
    r"|\bgrammar\b|\btool call\b|\blimited to \d|\bmaximum (?:allowed )?(?:number|value)\b",
    r"参数|格式|为空|不支持|必须|只能|合法|非法|缺[失少]|解析|校验|不能|不正确|有误|取值|类型|顺序|(?:数量|大小|长度)超[过出]|请求[头体]",
)
"""Words that blame the request, in a wide sense. A 400 without any of them may have any reason."""
REQUEST_INVALID = re.compile(r"\binvalid (?:request )?(?:params?|parameters?|arguments?|request|input|messages?)\b")
"""For an error without any status."""
TOO_LATE = _any_of(r"timed? ?-?out|deadline exceeded", chinese.TOO_LATE)

STATUS_OF_CODE: dict[str, int] = {
    code: status
    for status, codes in {
        401: "authentication error|auth error|invalid api key|incorrect api key error|invalid authentication error|unauthenticated|unauthorized"
        "|api key invalid|invalid token|token expired|no db connection|expired token exception|unrecognized client exception"
        "|invalid signature exception|missing authentication token exception|invalid access token|key auth access denied",
        403: "permission denied|permission error|permission denied error|forbidden|access denied|access denied exception",
        404: "not found error|not found|model not found|model not found error|invalid model|model not exist|model not supported"
        "|resource not found exception|deployment not found|unknown model|unsupported model",
        429: "rate limit exceeded|rate limit error|rate limit reached error|rate limit reached|rate limited|too many requests|resource exhausted"
        "|throttling|throttling exception|throttled|throttling rate quota|throttling.rate quota|throttling.burst rate|limit requests"
        "|limit burst rate|request limit exceeded|rate limit|too many requests exception|throttling error|service quota exceeded exception",
        500: "server error|internal error|internal server error|internal|api error|internal server exception|internal failure",
        503: "overloaded error|overloaded|service unavailable|unavailable|engine overloaded error|model overloaded|server overloaded"
        "|server is overloaded|service unavailable exception|model not ready exception|capacity exceeded|model not ready|engine overloaded",
        504: "timeout|timeout error|deadline exceeded|request timeout|gateway timeout|model timeout exception|request timeout error",
        400: "invalid request error|invalid argument|bad request|bad request error|invalid request|invalid parameter|validation error"
        "|validation exception|invalid parameter error",
    }.items()
    for code in codes.split("|")
}
"""The status of a code, if the HTTP status is not enough; ambiguous codes last."""
