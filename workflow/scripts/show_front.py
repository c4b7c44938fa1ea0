"""Shows the best rows of each network's front, and where the report is."""

import sys

from command_line import study_of_command
from paretopress.fronts import DENSE
from paretopress.report import front_rows
from paretopress.tables import read_table

ROWS = 5

study, results = study_of_command(__doc__)
if not (results / "report.html").is_file():
    sys.exit(f"{results}/report.html: not there yet. Run the study first: snakemake --cores all --configfile FILE.")
for network in study.networks:
    front = read_table(results / "fronts" / f"{network}.csv")
    dense = front[front["design_id"] == DENSE].iloc[0]
    rows = front_rows(front)
    print(f"\n{network}: {len(rows)} designs on the front; dense accuracy {dense['accuracy']:.2%}")
    for row in rows[:ROWS]:
        int8 = ", int8" if row["int8"] else ""
        print(
            f"  {row['nonzero_rate']:6.1%} non-zero  {row['accuracy']:.2%} accuracy  {row['design_id']}  "
            f"Linear: {row['linear']}; convolutions: {row['conv']}{int8}"
        )
    if len(rows) > ROWS:
        print(f"  and {len(rows) - ROWS} larger and more accurate ones in {results}/fronts/{network}.csv")
print(f"\nReport: {results}/report.html")
