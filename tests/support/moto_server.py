"""moto's server, as it is but for one thing: it never ends a statement of the Data API, so here
each ends when it is looked at for the second time. Its arguments are moto's."""

import collections
import sys

from moto import server
from moto.redshiftdata.models import RedshiftDataAPIServiceBackend as Backend

looks = collections.Counter()
describe = Backend.describe_statement


def describe_to_the_end(self, statement_id):
    statement = describe(self, statement_id)
    looks[statement_id] += 1
    if looks[statement_id] > 1 and statement.status == "STARTED":
        statement.status = "FINISHED"
    return statement


Backend.describe_statement = describe_to_the_end
server.main(sys.argv[1:])
