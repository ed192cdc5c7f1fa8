"""State of registry from an aircraft's nationality mark."""

from __future__ import annotations

# ICAO Annex 7 nationality marks as notified to ICAO; N and B- are read by the function below.
_MARKS = """
AD:C3 AE:A6 AF:YA AG:V2 AI:VP-A AL:ZA AM:EK AO:D2 AR:LV AT:OE AU:VH AW:P4 AZ:4K BA:E7 BB:8P BD:S2
BE:OO BF:XT BG:LZ BH:A9C BI:9U BJ:TY BM:VP-B,VQ-B BN:V8 BO:CP BR:PP,PR,PS,PT,PU BS:C6 BT:A5 BW:A2
BY:EW BZ:V3 CA:C-F,C-G,C-I CD:9Q,9S,9T CF:TL CG:TN CH:HB CI:TU CK:E5 CL:CC CM:TJ CO:HK CR:TI CU:CU
CV:D4 CW:PJ- CY:5B CZ:OK DE:D- DJ:J2 DK:OY DM:J7 DO:HI DZ:7T EC:HC EE:ES EG:SU ER:E3 ES:EC ET:ET
FI:OH FJ:DQ FK:VP-F FM:V6 FR:F- GA:TR GB:G- GD:J3 GE:4L GG:2- GH:9G GI:VP-G GM:C5 GN:3X GQ:3C
GR:SX GT:TG GW:J5 GY:8R HN:HR HR:9A HT:HH HU:HA ID:PK IE:EI,EJ IL:4X IM:M- IN:VT IQ:YI IR:EP IS:TF
IT:I- JE:ZJ JM:6Y JO:JY JP:JA KE:5Y KG:EX KH:XU KI:T3 KM:D6 KN:V4 KP:P- KR:HL KW:9K KY:VP-C,VQ-C
KZ:UP LA:RDPL LB:OD LC:J6 LI:HB-L LK:4R LR:A8 LS:7P LT:LY LU:LX LV:YL LY:5A MA:CN MC:3A MD:ER
ME:4O MG:5R MH:V7 MK:Z3 ML:TZ MM:XY MN:JU MR:5T MS:VP-M MT:9H MU:3B MV:8Q MW:7Q MX:XA,XB,XC MY:9M
MZ:C9 NA:V5 NE:5U NG:5N NI:YN NL:PH NO:LN NP:9N NR:C2 NZ:ZK OM:A4O PA:HP PE:OB PG:P2 PH:RP PK:AP
PL:SP PS:SU-Y PT:CR,CS PW:T8 PY:ZP QA:A7 RO:YR RS:YU RU:RA,RF RW:9XR SA:HZ SB:H4 SC:S7 SD:ST SE:SE
SG:9V SH:VQ-H SI:S5 SK:OM SL:9L SM:T7 SN:6V SO:6O SR:PZ SS:Z8 ST:S9 SV:YS SX:PJ- SY:YK SZ:3DC
TC:VQ-T TD:TT TG:5V TH:HS TJ:EY TL:4W TM:EZ TN:TS TO:A3 TR:TC TT:9Y TV:T2 TZ:5H UA:UR UG:5X UY:CX
UZ:UK VA:HV VC:J8 VE:YV VG:VP-L VN:VN VU:YJ WS:5W XK:Z6 YE:7O ZA:ZS,ZT,ZU ZM:9J ZW:Z-
"""


def _parse_marks() -> dict[str, str]:
    marks: dict[str, str] = {}
    for entry in _MARKS.split():
        state, _, listed = entry.partition(":")
        for mark in listed.split(","):
            marks.setdefault(mark, state)
    return marks


NATIONALITY_MARKS: dict[str, str] = _parse_marks()


def state_of_registration(registration: str) -> str:
    """State of registry that a registration shows.

    Parameters
    ----------
    registration : str
        Mark as painted, ``EW-455PA`` or ``N12345``.

    Returns
    -------
    str
        ISO 3166-1 alpha-2, or empty if no nationality mark matches.

    Notes
    -----
    Mainland Chinese, Hong Kong, Macao and Taiwan marks share ``B-``: letters H, K, L are Hong Kong,
    M is Macao, five digits are Taiwan, the rest mainland China.
    """
    mark = registration.strip().upper()
    if mark.startswith("B-"):
        return _state_of_b_mark(mark[2:])
    if mark.startswith("N") and mark[1:2].isdigit():
        return "US"
    prefix, dash, _ = mark.partition("-")
    for length in range(min(len(mark), 4), 0, -1):
        head = mark[:length]
        if head not in NATIONALITY_MARKS:
            continue
        # A mark without its own hyphen must be followed by one (EW-455PA, not EW455...),
        # except those painted without (JA8089, HL7700, VP-B..).
        if "-" in head or (dash and prefix == head) or (not dash and head in _NO_HYPHEN):
            return NATIONALITY_MARKS[head]
    return ""


_NO_HYPHEN = frozenset({"JA", "HL", "YV", "HI", "HP", "UK", "T7", "UP", "4K"})


def _state_of_b_mark(rest: str) -> str:
    if rest[:1] in {"H", "K", "L"}:
        return "HK"
    if rest[:1] == "M":
        return "MO"
    if len(rest) == 5 and rest.isdigit():
        return "TW"
    return "CN" if rest else ""
