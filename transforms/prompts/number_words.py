"""Words next to a number that change or remove its meaning: by language, in any case.

Scales and fractions multiply it, bounds and guesses make it vague, negations cancel it, names of things count something else.
"""

from __future__ import annotations

_SCALES = """
hundred hundreds thousand thousands million millions billion billions trillion trillions quadrillion quadrillions quintillion zillion
lakh lakhs lac lacs crore crores kharab myriad myriads
mn mln mio bn bln tn trn tril thsd thou dozen dozens baker's
percent percents percentage percentages percentile pct per-cent permille permil promille ppm ppb ppt bps bp basis
mille milles millier milliers milliard milliards centaine centaines douzaine douzaines pourcent
tausend tausende million millionen milliarde milliarden billion billionen mrd mrd. tsd dutzend hundert prozent
millar millares millón millon millones millardo billón billones docena docenas ciento cientos cien porcentaje
mila milione milioni miliardo miliardi bilione dozzina dozzine cento centinaia percento percentuale
milhão milhao milhões milhoes bilhão bilhao bilhões bilhoes trilhão trilhões dúzia dúzias duzia duzias centena centenas porcento
duizend honderd miljoen miljard dozijn procent
tusen tusind miljon miljoner miljard miljarder millioner milliarder dussin dusin hundra hundrede hundre prosent
tuhat tuhatta miljoona miljoonaa miljardi miljardia sata sataa tusina prosentti prosenttia
tysiąc tysiące tysięcy tys mln mld milion miliony milionów miliard miliardy miliardów setki tuzin procenta
tisíc tisíce milionů milión miliarda miliardy tucet stovky ezer millió milliárd tucat száz százalék
milyon milyar trilyon yüz düzine yüzde
ribu juta miliar triliun ratus lusin persen peratus libo milyon elfu laki milioni
nghìn ngàn triệu tỷ tỉ trăm chục
тысяча тысячи тысяч тыс миллион миллиона миллионов млн миллиард миллиарда миллиардов млрд сотня сотни сотен дюжина дюжины
процент процента процентов полтора тисяча тисячі тисяч мільйон мільйонів мільярд мільярдів відсотків хиляда хиляди милион милиона
χιλιάδες χιλιάδα εκατομμύριο εκατομμύρια δισεκατομμύρια εκατό τοις
ألف آلاف مليون ملايين مليار مئة مائة بالمئة هزار میلیون میلیارد صد درصد لاکھ کروڑ ہزار سو אלף אלפים מיליון מיליארד אחוז אחוזים
लाख करोड़ करोड हज़ार हजार सौ अरब प्रतिशत লাখ কোটি হাজার শত শতাংশ
พัน หมื่น แสน ล้าน ร้อย โหล 만 억 조 천 백 십 퍼센트 프로
"""

_FRACTIONS = """
half halves halved third thirds quarter quarters fourth fourths fifth fifths sixth sixths seventh sevenths eighth eighths ninth ninths
tenth tenths hundredth hundredths thousandth thousandths millionth millionths
hälfte halb halbe viertel drittel moitié demi demie quart tiers mitad medio media tercio tercios cuarto cuartos metà mezzo mezza terzo
metade meio meia terço
"""

_POWERS = """
squared cubed factorial sqrt cbrt cot csc arcsin arccos arctan sinh cosh tanh mod modulo ceil gcd lcm nan pi tau phi theta alpha beta
infinity infinite infinitely inf choose twice thrice doubled tripled quadrupled quadruple quintuple fold twofold threefold tenfold
plus minus divided multiplied subtracted radix octal hexadecimal repeating recurring periodic
hoch wurzel fakultät puissance racine factorielle potencia raíz
"""

_DOUBTS = """
not no cannot never without unless except neither nor nicht kein keine non ne pas nie nej inte не нет ei
or either between oder ou oppure lub albo eller или veya atau
about approx approximately approximate around roughly nearly almost circa estimate estimated estimates
maybe perhaps possibly probably presumably might may could likely guess guessed assume assuming suppose ungefähr etwa environ
aproximadamente cerca около примерно
least most exceed exceeds exceeding
unknown undefined undetermined indeterminate insufficient unable impossible unclear ambiguous nonexistent solutions answers
negative etc respectively ish wrong incorrect false
january february march april june july august september october november december
"""

_COUNTS_ON = "am pm point two three four five six seven eight nine ten eleven twelve thirteen fifteen twenty thirty forty fifty sixty"

ANYWHERE = frozenset((_SCALES + _POWERS + _DOUBTS + " half halves halved halb halbe hälfte").casefold().split())
"""Reject wherever they are in the clause of the number."""

BEHIND = frozenset((_FRACTIONS + _COUNTS_ON).casefold().split())
"""Reject as one of the next words after the number."""

_MONTHS = " jan feb mar apr jun jul aug sep sept oct nov dec "
_SHORT_SCALES = """
k m b t mil mill mi bin gross grosses grand kilo mega giga tera arab cr cem sto сто tá score power log double triple root roots out below under
short above over
"""

RIGHT_BEHIND = frozenset((_SHORT_SCALES + _MONTHS).split())
"""Reject as the very next word after the number."""

_NAMES_SOMETHING = """
over under above below beyond within past times some root roots power log ln lg sin cos tan sec exp abs floor base double triple quart
square cube circa
step question problem option part exercise equation page line item case chapter figure section note version example table row
theorem lemma method choice scenario statement formula task point
two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty sixty seventy eighty ninety error code
"""

RIGHT_BEFORE = frozenset((_NAMES_SOMETHING + _MONTHS).split())
"""Reject as the last word before the number."""

_TWO_LETTERS = """
cm mm km dm nm kg mg cg dg ml cl dl kl ft in yd hr hrs lb oz pt qt kw hz kj pa ha ms is an of to on at by as so we he it my up us go
do be mb gb tb kb pc kr zł st un la el le il en de da di du es et sq cu
"""

TWO_LETTERS = frozenset(_TWO_LETTERS.split())
"""Words of two letters that may follow a number: units and small words. Any other two letters may be two factors."""

PHRASES_BEFORE = (
    *("up to", "as many as", "as few as", "as much as", "out of", "in base", "to base", "short of", "to the", "root of", "roots of"),
    *("square of", "cube of", "multiple of", "multiples of", "power of", "reciprocal of", "inverse of", "log of", "logarithm of"),
    *("opposite of", "divisible by", "divided by", "multiplied by", "no more", "more than", "less than", "fewer than", "greater than"),
    *("larger than", "smaller than", "higher than", "lower than", "other than", "rather than", "bigger than", "per cent"),
    *("half of", "third of", "quarter of", "fourth of", "fifth of", "tenth of", "one of", "loss of", "deficit of"),
)
"""Phrases that reject right before the number."""

ADDS_UP = ("adds up to", "add up to", "added up to", "adding up to", "sums up to", "sum up to", "comes up to")
"""These end in one of the phrases and only mean "is"."""

PHRASES_BEHIND = (
    *("below zero", "under zero", "below freezing", "in debt", "short of", "or so", "and counting", "and above", "and over", "and up"),
    *("and more", "and below", "and under", "and others", "and other", "and less", "and fewer", "more than", "less than", "fewer than"),
    *("per cent", "per mille", "por ciento", "pour cent", "per cento", "por cento", "phần trăm", "basis points", "in base", "base ten"),
    *("in binary", "in hex"),
    *(
        "to the power",
        "out of",
        "to one",
        "and a bit",
        "and some",
        "and change",
        "and then",
        "is one",
        "one of",
        "first solution",
        "first answer",
    ),
)
"""Phrases that reject after the number."""
