#!/usr/bin/env python3
"""Makes the table of AWS's regions from the list of them: gen_regions.py LIST OUTPUT"""

import pathlib
import re
import sys

FORM = re.compile(r"[a-z0-9-]{1,32}")


def main():
    lines = [line.strip() for line in pathlib.Path(sys.argv[1]).read_text().splitlines()]
    regions = [line for line in lines if line and not line.startswith("#")]
    wrong = [region for region in regions if not FORM.fullmatch(region)]
    if wrong or len(set(regions)) != len(regions):
        sys.exit(f"{sys.argv[1]}: not a region, or there twice: {wrong or regions}")
    rows = "".join(f'STR("{region}"),\n' for region in regions)
    pathlib.Path(sys.argv[2]).write_text(rows)


main()
