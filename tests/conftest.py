"""What holds for every test: the zone data the command itself would use, from the first zone on.

Without it the first test that runs the command would change the data under the others' feet: zones
made before and after are never equal.
"""

from daemon.config.zonedata import use_newest

use_newest()
