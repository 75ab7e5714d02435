"""argostranslate one text at a time, and LibreTranslate's server: `argostranslates.py alone` or `… serve PORT`.

Packages are those of ARGOS_PACKAGES_DIR; `alone` reads its texts, JSON, from standard input. The model for the ends of
sentences is fetched from the internet, so that here a pattern, which takes less time, stands for it.
"""

import json
import re
import sys
import time

from argostranslate import sbd

ENDS = re.compile(r"(?<=[.!?])\s+")


class Ends:
    """Ends sentences where a pattern says."""

    def __init__(self, language, **options):
        del language, options

    def sentences(self, text):
        return ENDS.split(text)


sbd.SBDetect = Ends


def alone(texts):
    from argostranslate import translate

    translate.translate("hola gracias", "es", "en")
    began = time.perf_counter()
    for text in texts:
        assert translate.translate(text, "es", "en")
    json.dump({"rate": len(texts) / (time.perf_counter() - began)}, sys.stdout)


if sys.argv[1] == "alone":
    alone(json.load(sys.stdin))
else:
    from libretranslate.main import main

    sys.argv = ["libretranslate", "--host", "127.0.0.1", "--port", sys.argv[2], "--load-only", "es,en"]
    sys.argv += ["--disable-files-translation", "--disable-web-ui", "--threads", "4"]
    main()
