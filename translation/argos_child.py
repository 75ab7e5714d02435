"""Loads the Argos package in a folder and translates a word: what would bring a process down does so to this one."""

import sys
from pathlib import Path

from translation.argos import load
from translation.packages import read_package
from translation.shares import Share

if __name__ == "__main__":
    load(read_package(Path(sys.argv[1]), ours=True), share=Share(1, 1)).render(["OK."], beam=1)
