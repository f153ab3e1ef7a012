"""The names that vendors give to exchanges, as codes of the calendar library. Pure.

An exchange that is not listed has the code "". XNYS stands for every exchange of the United States:
they open and close together.
"""

from collections.abc import Mapping

_UNITED_STATES = "XNYS"


def _united_states(names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), _UNITED_STATES)


def _pairs(text: str) -> dict[str, str]:
    """Read a text of `name=CODE` pairs."""
    return dict(pair.split("=") for pair in text.split())


# The field `exchange` of its search. CCC is crypto, which trades always.
YAHOO: Mapping[str, str] = {
    **_united_states("NMS NGM NCM NYQ ASE PCX BTS NAS NYS"),
    **_pairs(
        "LSE=XLON GER=XETR FRA=XFRA HAM=XHAM DUS=XDUS STU=XSTU PAR=XPAR AMS=XAMS BRU=XBRU "
        "MIL=XMIL MCE=XMAD LIS=XLIS ISE=XDUB EBS=XSWX VIE=XWBO STO=XSTO HEL=XHEL CPH=XCSE "
        "OSL=XOSL ICE=XICE WSE=XWAR PRA=XPRA BUD=XBUD ATH=ASEX IST=XIST TOR=XTSE VAN=XTSX "
        "MEX=XMEX SAO=BVMF JPX=XTKS HKG=XHKG SHH=XSHG SES=XSES TAI=XTAI KSC=XKRX ASX=XASX "
        "NZE=XNZE BSE=XBOM JKT=XIDX KLS=XKLS SET=XBKK TLV=XTAE JNB=XJSE SAU=XSAU CCC=24/7"
    ),
}
# The suffix of its symbols; none is the United States.
ALPHA_VANTAGE: Mapping[str, str] = {
    "": _UNITED_STATES,
    **_pairs("LON=XLON DEX=XETR FRK=XFRA TRT=XTSE TRV=XTSX BSE=XBOM SHH=XSHG SAO=BVMF"),
    **_pairs("AMS=XAMS PAR=XPAR"),
}
