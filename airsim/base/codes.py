"""ISO 3166-1 State codes and dated groups of States."""

from __future__ import annotations

from bisect import bisect_right
from functools import cache

from airsim.base.instants import OPEN_FROM, OPEN_TO, parse_instant

# ISO 3166-1 alpha-2 (public standard) with XK, the user-assigned code in general use for Kosovo.
_NAMES = """
AD Andorra|AE United Arab Emirates|AF Afghanistan|AG Antigua and Barbuda|AI Anguilla|AL Albania
AM Armenia|AO Angola|AQ Antarctica|AR Argentina|AS American Samoa|AT Austria|AU Australia|AW Aruba
AX Aland Islands|AZ Azerbaijan|BA Bosnia and Herzegovina|BB Barbados|BD Bangladesh|BE Belgium
BF Burkina Faso|BG Bulgaria|BH Bahrain|BI Burundi|BJ Benin|BL Saint Barthelemy|BM Bermuda
BN Brunei|BO Bolivia|BQ Bonaire, Sint Eustatius and Saba|BR Brazil|BS Bahamas|BT Bhutan
BV Bouvet Island|BW Botswana|BY Belarus|BZ Belize|CA Canada|CC Cocos Islands|CD DR Congo
CF Central African Republic|CG Congo|CH Switzerland|CI Cote d'Ivoire|CK Cook Islands|CL Chile
CM Cameroon|CN China|CO Colombia|CR Costa Rica|CU Cuba|CV Cabo Verde|CW Curacao
CX Christmas Island|CY Cyprus|CZ Czechia|DE Germany|DJ Djibouti|DK Denmark|DM Dominica
DO Dominican Republic|DZ Algeria|EC Ecuador|EE Estonia|EG Egypt|EH Western Sahara|ER Eritrea
ES Spain|ET Ethiopia|FI Finland|FJ Fiji|FK Falkland Islands|FM Micronesia|FO Faroe Islands
FR France|GA Gabon|GB United Kingdom|GD Grenada|GE Georgia|GF French Guiana|GG Guernsey|GH Ghana
GI Gibraltar|GL Greenland|GM Gambia|GN Guinea|GP Guadeloupe|GQ Equatorial Guinea|GR Greece
GS South Georgia and the South Sandwich Islands|GT Guatemala|GU Guam|GW Guinea-Bissau|GY Guyana
HK Hong Kong|HM Heard Island and McDonald Islands|HN Honduras|HR Croatia|HT Haiti|HU Hungary
ID Indonesia|IE Ireland|IL Israel|IM Isle of Man|IN India|IO British Indian Ocean Territory
IQ Iraq|IR Iran|IS Iceland|IT Italy|JE Jersey|JM Jamaica|JO Jordan|JP Japan|KE Kenya|KG Kyrgyzstan
KH Cambodia|KI Kiribati|KM Comoros|KN Saint Kitts and Nevis|KP North Korea|KR South Korea
KW Kuwait|KY Cayman Islands|KZ Kazakhstan|LA Laos|LB Lebanon|LC Saint Lucia|LI Liechtenstein
LK Sri Lanka|LR Liberia|LS Lesotho|LT Lithuania|LU Luxembourg|LV Latvia|LY Libya|MA Morocco
MC Monaco|MD Moldova|ME Montenegro|MF Saint Martin (French part)|MG Madagascar|MH Marshall Islands
MK North Macedonia|ML Mali|MM Myanmar|MN Mongolia|MO Macao|MP Northern Mariana Islands
MQ Martinique|MR Mauritania|MS Montserrat|MT Malta|MU Mauritius|MV Maldives|MW Malawi|MX Mexico
MY Malaysia|MZ Mozambique|NA Namibia|NC New Caledonia|NE Niger|NF Norfolk Island|NG Nigeria
NI Nicaragua|NL Netherlands|NO Norway|NP Nepal|NR Nauru|NU Niue|NZ New Zealand|OM Oman|PA Panama
PE Peru|PF French Polynesia|PG Papua New Guinea|PH Philippines|PK Pakistan|PL Poland
PM Saint Pierre and Miquelon|PN Pitcairn|PR Puerto Rico|PS Palestine|PT Portugal|PW Palau
PY Paraguay|QA Qatar|RE Reunion|RO Romania|RS Serbia|RU Russia|RW Rwanda|SA Saudi Arabia
SB Solomon Islands|SC Seychelles|SD Sudan|SE Sweden|SG Singapore
SH Saint Helena, Ascension and Tristan da Cunha|SI Slovenia|SJ Svalbard and Jan Mayen|SK Slovakia
SL Sierra Leone|SM San Marino|SN Senegal|SO Somalia|SR Suriname|SS South Sudan
ST Sao Tome and Principe|SV El Salvador|SX Sint Maarten|SY Syria|SZ Eswatini
TC Turks and Caicos Islands|TD Chad|TF French Southern Territories|TG Togo|TH Thailand
TJ Tajikistan|TK Tokelau|TL Timor-Leste|TM Turkmenistan|TN Tunisia|TO Tonga|TR Türkiye
TT Trinidad and Tobago|TV Tuvalu|TW Taiwan|TZ Tanzania|UA Ukraine|UG Uganda
UM US Minor Outlying Islands|US United States|UY Uruguay|UZ Uzbekistan|VA Holy See
VC Saint Vincent and the Grenadines|VE Venezuela|VG British Virgin Islands|VI US Virgin Islands
VN Viet Nam|VU Vanuatu|WF Wallis and Futuna|WS Samoa|XK Kosovo|YE Yemen|YT Mayotte|ZA South Africa
ZM Zambia|ZW Zimbabwe
"""

STATE_NAMES: dict[str, str] = {
    entry[:2]: entry[3:] for line in _NAMES.strip().splitlines() for entry in line.split("|")
}
STATE_CODES: frozenset[str] = frozenset(STATE_NAMES)

# What a flight may be besides ordinary traffic: STS/ of the flight plan in plain words,
# emergencies, and flights cleared beforehand with those who keep an airspace.
FLIGHT_STATUSES: tuple[str, ...] = (
    "emergency", "humanitarian", "state", "military", "medical", "search-and-rescue",
    "calibration", "coordinated",
)  # fmt: skip

_EU = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
_NO_CONTRACTING_STATE = ("AQ", "EH", "LI", "NU", "PS", "TW", "VA", "XK")
# (group, members, member from, member to). Membership: treaties of accession; withdrawal of the
# United Kingdom 2020-01-31T23:00Z (Agreement, OJ L 29, 31.1.2020).
_MEMBERSHIP: tuple[tuple[str, str, int, int], ...] = (
    ("EU", _EU, OPEN_FROM, OPEN_TO),
    ("EU", "GB", OPEN_FROM, parse_instant("2020-01-31T23:00Z")),
    ("EASA", _EU + " CH IS LI NO", OPEN_FROM, OPEN_TO),
    ("EASA", "GB", OPEN_FROM, parse_instant("2020-12-31T23:00Z")),
    # Rosaviatsiya, 28 Feb 2022: the 36 States and territories whose carriers are barred.
    (
        "RU36",
        "AL AI AT BE VG BG CA HR CY CZ DK GL FO EE FI FR DE GI GR HU IS IE IT JE LV LT LU MT NL NO"
        " PL PT RO SK SI ES SE GB",
        OPEN_FROM,
        OPEN_TO,
    ),
    # Contracting States of the Chicago Convention, 193 in 2021-2026, with what is under their
    # sovereignty: all codes but those of no contracting State.
    ("ICAO", " ".join(sorted(STATE_CODES - set(_NO_CONTRACTING_STATE))), OPEN_FROM, OPEN_TO),
)
GROUPS: frozenset[str] = frozenset(name for name, *_ in _MEMBERSHIP)
# Instants at which some group gains or loses a member, sorted.
GROUP_CHANGES_MS: tuple[int, ...] = tuple(
    sorted({ms for *_, start, end in _MEMBERSHIP for ms in (start, end)} - {OPEN_FROM, OPEN_TO})
)


def states_in_group(group: str, at_ms: int) -> frozenset[str]:
    """Members of a dated group (``EU``, ``EASA``, ``ICAO``, ``RU36``) at an instant.

    Parameters
    ----------
    group : str
        Name of the group.
    at_ms : int
        UTC milliseconds.

    Returns
    -------
    frozenset of str
        ISO 3166-1 alpha-2 codes.

    Raises
    ------
    KeyError
        No such group.
    """
    if group not in GROUPS:
        raise KeyError(group)
    return _find_members(group, bisect_right(GROUP_CHANGES_MS, at_ms))


@cache
def _find_members(group: str, era: int) -> frozenset[str]:
    at_ms = (OPEN_FROM, *GROUP_CHANGES_MS)[era]
    return frozenset(
        code
        for name, members, start, end in _MEMBERSHIP
        if name == group and start <= at_ms < end
        for code in members.split()
    )
