"""Shows the best rows of each network's front, and where the report is."""

import sys

from command_line import study_of_command
from paretopress.errors import UserError
from paretopress.fronts import DENSE
from paretopress.provenance import verified
from paretopress.report.networks import front_rows
from paretopress.tables import read_table

ROWS = 5

study, results = study_of_command(__doc__)
if not (results / "report.html").is_file():
    sys.exit(
        f"{results}/report.html: not there yet. Run the study first: snakemake --cores all --configfile FILE."
    )
fronts = {network: results / "fronts" / f"{network}.csv" for network in study.network_names()}
try:
    verified(results, map(str, fronts.values()))
except FileNotFoundError as error:
    sys.exit(
        f"{error.filename}: not there. Start the study again, which makes it: snakemake --cores all --configfile FILE."
    )
except UserError as error:
    sys.exit(str(error))
for network, file in fronts.items():
    front = read_table(file)
    dense = front.loc[front["design_id"] == DENSE, "accuracy"]
    rows = front_rows(front)
    print(
        f"\n{network}: {len(rows)} designs on the front; dense accuracy {f'{dense.iloc[0]:.2%}' if len(dense) else 'not known'}"
    )
    for row in rows[:ROWS]:
        int8 = ", int8" if row["int8"] else ""
        print(
            f"  {row['nonzero_rate']:6.1%} non-zero  {row['accuracy']:.2%} accuracy  {row['design_id']}  "
            f"Linear: {row['linear']}; convolutions: {row['conv']}{int8}"
        )
    if len(rows) > ROWS:
        print(
            f"  and {len(rows) - ROWS} larger and more accurate ones in {results}/fronts/{network}.csv"
        )
print(f"\nReport: {results}/report.html")
