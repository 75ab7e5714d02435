"""Which country a phone number is of, by its country calling code (ITU-T E.164)."""

_CODES = (
    "1 US, 7 RU, 20 EG, 27 ZA, 30 GR, 31 NL, 32 BE, 33 FR, 34 ES, 36 HU, 39 IT, 40 RO, 41 CH, 43 AT, 44 GB, 45 "
    "DK, 46 SE, 47 NO, 48 PL, 49 DE, 51 PE, 52 MX, 53 CU, 54 AR, 55 BR, 56 CL, 57 CO, 58 VE, 60 MY, 61 AU, 62 ID, "
    "63 PH, 64 NZ, 65 SG, 66 TH, 77 KZ, 81 JP, 82 KR, 84 VN, 86 CN, 90 TR, 91 IN, 92 PK, 98 IR, 212 MA, 213 DZ, "
    "216 TN, 218 LY, 221 SN, 225 CI, 234 NG, 244 AO, 254 KE, 258 MZ, 351 PT, 352 LU, 353 IE, 354 IS, 355 AL, 357 "
    "CY, 358 FI, 359 BG, 370 LT, 371 LV, 372 EE, 373 MD, 374 AM, 375 BY, 380 UA, 381 RS, 382 ME, 385 HR, 386 SI, "
    "387 BA, 389 MK, 420 CZ, 421 SK, 502 GT, 503 SV, 504 HN, 505 NI, 506 CR, 507 PA, 591 BO, 593 EC, 595 PY, 598 "
    "UY, 852 HK, 853 MO, 880 BD, 886 TW, 961 LB, 962 JO, 963 SY, 964 IQ, 965 KW, 966 SA, 967 YE, 968 OM, 970 PS, "
    "971 AE, 972 IL, 973 BH, 974 QA, 995 GE"
)
_REGIONS = dict(each.split() for each in _CODES.split(", "))


def region(phone: str) -> str:
    """Give the ISO 3166 code of a number's country, digits with or without `+`; "" where it isn't known."""
    digits = phone.removeprefix("+")
    return _REGIONS.get(digits[:3]) or _REGIONS.get(digits[:2]) or _REGIONS.get(digits[:1], "")
