r"""LaTeX in JSON whose writer forgot to double its backslashes.

``"\frac{1}{2}"`` is valid JSON for a form feed and ``rac{1}{2}``. A backspace or form feed before a letter is never intended.
A tab, return or line break before the rest of a LaTeX command is not intended either, unless the rest is itself a word or a
name (``\nu``: a line break and ``u``): then a brace behind it, or the text's other backslashes decide.
"""

from __future__ import annotations

import re

_COMMANDS = (
    # n
    "nabla natural ncong nearrow neg neq newcommand newline newpage nexists ngeq ngeqslant ngtr nleftarrow nleftrightarrow nleq"
    " nleqslant nless nmid nobreak nocite noindent nolimits nonumber normalsize not notag notin notni nparallel nprec npreceq"
    " nrightarrow nsim nsubset nsubseteq nsucc nsucceq nsupset nsupseteq ntriangleleft ntrianglelefteq ntriangleright null nwarrow"
    " nVdash nVDash nvdash nvDash nRightarrow nLeftarrow nLeftrightarrow"
    # r
    " raggedright raisebox rangle ratio rbrace rbrack rceil real rfloor rgroup rho rhd right rightarrow rightarrowtail rightharpoondown"
    " rightharpoonup rightleftarrows rightleftharpoons rightrightarrows rightsquigarrow rightthreetimes risingdotseq rm rmoustache"
    " rule rVert rvert"
    # t
    " tag tanh tau tbinom tfrac text textbf textcolor textit textnormal textrm textsf textstyle texttt textup textsuperscript"
    " textsubscript textdegree textbackslash textdollar textasciitilde therefore theta thetasym thickapprox thicksim thickspace"
    " thinspace tilde times triangle triangledown triangleleft trianglelefteq triangleq triangleright trianglerighteq"
    " twoheadleftarrow twoheadrightarrow"
)
"""Commands that begin with n, r or t and whose rest is not a word: after a line break or a tab it would have no meaning."""

_DOUBTFUL = "ne ni nu re tan tg tiny to top tt"
"""Commands whose rest may be a word after a line break or a tab."""

_SIGNS = "()[]{},;:!%$"
"""Behind a backslash these are LaTeX, ``\\(x\\)``, and no escapes of JSON."""

_ESCAPE = re.compile(r"\\(?:([bf])(?=[A-Za-z])|([nrt])([A-Za-z]+)|u[0-9a-fA-F]{4}|(.))", re.DOTALL)


def keep_commands(text: str) -> str:
    """JSON text with the single backslashes of LaTeX commands doubled. Other escapes stay, so valid text stays valid."""
    if "\\" not in text:
        return text
    single = any(_is_surely_single(found) for found in _ESCAPE.finditer(text))

    def keep(found: re.Match[str]) -> str:
        if found[1] or found[3] in _RESTS[found[2]]:
            return "\\" + found[0]
        if found[3] in _DOUBTFUL_RESTS[found[2]] and (single or text.startswith("{", found.end())):
            return "\\" + found[0]
        return found[0]

    return _ESCAPE.sub(keep, text)


def _rests(commands: str) -> dict[str | None, frozenset[str]]:
    found: dict[str | None, frozenset[str]] = {None: frozenset()}
    for first in "nrt":
        found[first] = frozenset(command[1:] for command in commands.split() if command[0] == first)
    return found


_RESTS = _rests(_COMMANDS)
_DOUBTFUL_RESTS = _rests(_DOUBTFUL)


def _is_surely_single(found: re.Match[str]) -> bool:
    """Whether this escape shows that the writer does not double backslashes."""
    return bool(found[1]) or found[3] in _RESTS[found[2]] or (found[4] is not None and (found[4].isalpha() or found[4] in _SIGNS))
