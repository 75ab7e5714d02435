"""opsdroid's Messenger webhook with a regex skill: `opsdroids.py MODE PORT PLATFORMS_PORT`; the skill says nothing."""

import sys
import tempfile
from pathlib import Path

from opsdroid.cli.start import configure_lang
from opsdroid.configuration import load_config_file
from opsdroid.core import OpsDroid

port = int(sys.argv[2])
folder = Path(tempfile.mkdtemp())
(folder / "skill.py").write_text(
    "from opsdroid.matchers import match_regex\nfrom opsdroid.skill import Skill\n"
    "class Hear(Skill):\n    @match_regex(r'.*')\n    async def hear(self, message):\n        pass\n"
)
(folder / "configuration.yaml").write_text(f"""
logging: {{level: error, console: false}}
web: {{host: 127.0.0.1, port: {port}}}
parsers: {{regex: {{enabled: true}}}}
connectors: {{facebook: {{verify-token: a, page-access-token: b, bot-name: c}}}}
skills: {{hear: {{path: {folder / "skill.py"}}}}}
""")
configure_lang({})
with OpsDroid(config=load_config_file([str(folder / "configuration.yaml")])) as droid:
    droid.run()
