"""`kontor stock import --reason sale`: what tills sold, also of what was promised."""

from pathlib import Path

from click.testing import CliRunner

from api.cli.main import main
from tests.recovery.running import RunningNode
from tests.recovery.test_stock_import import SHOP, table


def test_sales_of_tills_come_from_a_table_and_break_promises_that_are_missing_then(tmp_path: Path) -> None:
    node = RunningNode(tmp_path / "data")
    try:
        node.call("POST", "/v1/configuration", SHOP)
        receipt = {"sku": "OAK-TRAY", "node": "berlin", "reason": "receipt", "quantity": 5}
        node.call("POST", "/v1/stock/movements", {"lines": [receipt]})
        wanted = {"channel": "web", "lines": [{"sku": "OAK-TRAY", "quantity": 4}]}
        assert node.call("POST", "/v1/reservations", wanted)[0] == 201
        for reason, units in (("sale", 3), ("sale_return", 1)):
            file = table(tmp_path / f"{reason}.csv", f"OAK-TRAY,berlin,{units}")
            url = f"http://127.0.0.1:{node.port}"
            done = CliRunner().invoke(main, ["stock", "import", str(file), "--url", url, "--reason", reason])
            assert done.exit_code == 0, done.output
        there = next(at for at in node.call("GET", "/v1/stock/OAK-TRAY")[1]["nodes"] if at["node"] == "berlin")
        assert (there["on_hand"], there["available"], there["reserved"], there["missing"]) == (3, 0, 4, 1)
    finally:
        node.stop()
