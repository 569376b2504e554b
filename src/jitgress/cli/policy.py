"""`jitgress policy`: what policies would say, whether that is as expected, and what is wrong with them."""

from jitgress.cli.command import ClusterCommand, OutputCommand, commands
from jitgress.cli.policy_explain import EXAMPLES as EXPLAIN_EXAMPLES
from jitgress.cli.policy_explain import explain
from jitgress.cli.policy_lint import EXAMPLES as LINT_EXAMPLES
from jitgress.cli.policy_lint import lint
from jitgress.cli.policy_testing import EXAMPLES as TEST_EXAMPLES
from jitgress.cli.policy_testing import run_tables

app = commands(
    "Explain, test and lint policies.",
    "jitgress policy explain --as bob@example.com --group dev --target shop/orders\njitgress policy lint -f policies/",
)
app.command("explain", cls=ClusterCommand, epilog=EXPLAIN_EXAMPLES)(explain)
app.command("test", cls=OutputCommand, epilog=TEST_EXAMPLES)(run_tables)
app.command("lint", cls=ClusterCommand, epilog=LINT_EXAMPLES)(lint)
