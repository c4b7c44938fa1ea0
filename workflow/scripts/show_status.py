"""Shows the state of all runs of a study at a glance, also while it runs."""

from command_line import study_of_command
from paretopress.overview import overview

print(overview(*study_of_command(__doc__)))
