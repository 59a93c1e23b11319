"""The borrower's story through web3.py."""

import asyncio
import unittest

from eth_account import Account
from eth_utils.abi import abi_to_signature, function_signature_to_4byte_selector
from eth_utils.abi import get_abi_input_names, get_abi_input_types
from web3 import AsyncWeb3, Web3, WebSocketProvider
from web3.exceptions import ContractCustomError
from web3.utils.subscriptions import LogsSubscription, NewHeadsSubscription

from devnode import STORY, Node, abis, build_world, eventually

UNITS = {name: int(value) for name, value in STORY["units"].items()}
WADS = {name: int(value) for name, value in STORY["wads"].items()}
SECONDS = STORY["seconds"]
WAD = 10**18
UINT256_MAX = 2**256 - 1
MARKET = Web3.to_checksum_address("0x67616765" + "03" + "00" * 15)
ORACLE = Web3.to_checksum_address("0x67616765" + "02" + "00" * 15)
SUB = 0
SUBSCRIPTION_SECONDS_MAX = 20

Account.enable_unaudited_hdwallet_features()


def actor(name):
    """A dev account of the story."""
    path = f"m/44'/60'/0'/0/{STORY['actors'][name]}"
    return Account.from_mnemonic(STORY["mnemonic"], account_path=path)


class BorrowersStory(unittest.TestCase):
    """One story, told in order: the tests share a chain and run by name."""

    @classmethod
    def setUpClass(cls):
        cls.node = Node()
        cls.addClassCleanup(cls.node.stop)
        cls.world = build_world(cls.node.url)
        cls.w3 = Web3(Web3.HTTPProvider(cls.node.url))
        cls.abis = abis()
        at = cls.w3.to_checksum_address
        cls.usd = cls.w3.eth.contract(at(cls.world["usd"]), abi=cls.abis["asset"])
        cls.weth = cls.w3.eth.contract(at(cls.world["weth"]), abi=cls.abis["asset"])
        cls.vault = cls.w3.eth.contract(at(cls.world["vault"]), abi=cls.abis["vault"])
        cls.market = cls.w3.eth.contract(MARKET, abi=cls.abis["market"])
        cls.oracle = cls.w3.eth.contract(ORACLE, abi=cls.abis["oracle"])
        for name in STORY["actors"]:
            setattr(cls, name, actor(name))

    def send(self, who, call, **options):
        """Signs, sends and waits, with web3.py's own gas and fee defaults."""
        transaction = call.build_transaction(
            {
                "from": who.address,
                "nonce": self.w3.eth.get_transaction_count(who.address),
                **options,
            }
        )
        signed = who.sign_transaction(transaction)
        sent = self.w3.eth.send_raw_transaction(signed.raw_transaction)
        return self.w3.eth.wait_for_transaction_receipt(sent, poll_latency=0.05)

    def act(self, who, call, event=None, **options):
        """Sends what must succeed; the decoded arguments of its `event`."""
        receipt = self.send(who, call, **options)
        self.assertEqual(receipt["status"], 1, call)
        if event is None:
            return receipt
        topic = bytes.fromhex(event.topic[2:])
        log = next(log for log in receipt["logs"] if log["topics"][0] == topic)
        return event.process_log(log)["args"]

    def refusal(self, who, call):
        """The custom error that a call meets, decoded by the ABI: its name and arguments."""
        with self.assertRaises(ContractCustomError) as caught:
            call.call({"from": who.address})
        data = bytes.fromhex(caught.exception.data[2:])
        for error in self.abis["errors"]:
            if error["type"] != "error":
                continue
            if function_signature_to_4byte_selector(abi_to_signature(error)) == data[:4]:
                values = self.w3.codec.decode(get_abi_input_types(error), data[4:])
                return error["name"], dict(zip(get_abi_input_names(error), values, strict=True))
        self.fail(f"no error of the ABI has the selector {data[:4].hex()}")

    def make(self, method, *params):
        """A request that web3.py has no method for."""
        answer = self.w3.provider.make_request(method, params)
        self.assertNotIn("error", answer)
        return answer["result"]

    def debt(self):
        return self.market.functions.debtOf(
            self.world["market"], self.borrower.address, SUB, self.vault.address
        ).call()

    def balance(self, token, who):
        return token.functions.balanceOf(who.address).call()

    def report(self, feed, price):
        """The publisher signs the feed's next report; the next block applies it."""
        before = self.oracle.functions.feedState(feed).call()
        message = {
            "feed": feed,
            "round": before[6] + 1,
            "time": self.w3.eth.get_block("latest")["timestamp"],
            "price": price,
            "confidence": 0,
        }
        domain = {
            "name": "Gage Oracle",
            "version": "1",
            "chainId": self.w3.eth.chain_id,
            "verifyingContract": ORACLE,
        }
        types = {"PriceReport": STORY["types"]["PriceReport"]}
        signed = Account.sign_typed_data(self.publisher.key, domain, types, message)
        report = {
            "report": {**message, "price": str(price)},
            "v": signed.v,
            "r": f"0x{signed.r:064x}",
            "s": f"0x{signed.s:064x}",
        }
        self.make("gage_submitReports", [report])
        self.make("evm_mine")
        self.assertEqual(self.oracle.functions.feedState(feed).call()[3], price)

    def pass_time(self, seconds):
        self.make("evm_increaseTime", seconds)
        self.make("evm_mine")

    def supply_and_borrow(self, amount):
        world, owner = self.world, self.borrower.address
        self.act(self.borrower, self.weth.functions.deposit(), value=UNITS["collateral"])
        pledge = (world["market"], owner, SUB, self.weth.address, UNITS["collateral"])
        supplied = self.act(
            self.borrower,
            self.market.functions.supplyCollateral(*pledge),
            self.market.events.CollateralSupplied(),
        )
        self.assertEqual(supplied["amount"], UNITS["collateral"])
        loan = (world["market"], SUB, self.vault.address, amount, owner)
        borrowed = self.act(
            self.borrower, self.market.functions.borrow(*loan), self.market.events.Borrowed()
        )
        self.assertEqual(borrowed["amount"], amount)

    def test_01_a_wallet_connects_and_finds_its_coins_and_fees(self):
        eth = self.w3.eth
        self.assertTrue(self.w3.is_connected())
        self.assertIn("gage", self.w3.client_version.lower())
        self.assertEqual(eth.get_balance(self.borrower.address), 10_000 * WAD)
        head = eth.get_block("latest", full_transactions=True)
        self.assertEqual(head["transactions"][0]["to"], ORACLE)
        history = eth.fee_history(2, "latest", [25, 75])
        self.assertEqual(len(history["baseFeePerGas"]), len(history["gasUsedRatio"]) + 1)
        self.assertGreater(eth.gas_price, 0)
        self.assertGreaterEqual(eth.max_priority_fee, 0)

    def test_02_a_permit_is_signed_relayed_seen_and_spent(self):
        lender, spender, usd = self.lender, self.spender, self.usd.functions
        _, name, version, chain_id, contract, _, _ = usd.eip712Domain().call()
        deadline = self.w3.eth.get_block("latest")["timestamp"] + 3600
        signed = Account.sign_typed_data(
            lender.key,
            {"name": name, "version": version, "chainId": chain_id, "verifyingContract": contract},
            {"Permit": STORY["types"]["Permit"]},
            {
                "owner": lender.address,
                "spender": spender.address,
                "value": UNITS["permitted"],
                "nonce": usd.nonces(lender.address).call(),
                "deadline": deadline,
            },
        )
        permit = usd.permit(
            lender.address,
            spender.address,
            UNITS["permitted"],
            deadline,
            signed.v,
            signed.r.to_bytes(32, "big"),
            signed.s.to_bytes(32, "big"),
        )
        approval = self.act(spender, permit, self.usd.events.Approval())
        self.assertEqual(approval["value"], UNITS["permitted"])
        allowance = usd.allowance(lender.address, spender.address)
        self.assertEqual(allowance.call(), UNITS["permitted"])
        self.act(spender, usd.transferFrom(lender.address, spender.address, UNITS["spent"]))
        self.assertEqual(allowance.call(), UNITS["permitted"] - UNITS["spent"])
        self.assertEqual(self.balance(self.usd, spender), UNITS["spent"])
        self.assertEqual(self.refusal(spender, permit)[0], "ERC2612InvalidSigner")

    def test_03_the_lender_deposits_and_holds_shares(self):
        shares = self.vault.functions.previewDeposit(UNITS["deposit"]).call()
        deposit = self.vault.functions.deposit(UNITS["deposit"], self.lender.address)
        made = self.act(self.lender, deposit, self.vault.events.Deposit())
        self.assertEqual((made["assets"], made["shares"]), (UNITS["deposit"], shares))
        self.assertEqual(self.balance(self.vault, self.lender), shares)

    def test_04_the_borrower_pledges_and_borrows(self):
        before = self.balance(self.usd, self.borrower)
        self.supply_and_borrow(UNITS["firstLoan"])
        self.assertEqual(self.balance(self.usd, self.borrower) - before, UNITS["firstLoan"])
        account = self.market.functions.accountState(
            self.world["market"], self.borrower.address, SUB
        ).call()
        collaterals, _, value, _, limit, _, health, *_ = account
        self.assertEqual((value, limit), (WADS["collateralValue"], WADS["borrowLimit"]))
        # A second or two of interest may have been added since.
        self.assertTrue(0 <= 16 * WAD // 10 - health < WAD // 10**7, health)
        self.assertEqual(collaterals[0][1], UNITS["collateral"])

    def test_05_time_passes_and_the_debt_grows(self):
        self.pass_time(SECONDS["loan"])
        interest = self.debt() - UNITS["firstLoan"]
        # A tenth of the vault is lent: 1 % and a ninth of 4 % a year, for thirty days.
        self.assertTrue(11_800_000 < interest < 12_000_000, interest)

    def test_06_a_loan_above_the_limit_is_refused_with_the_reason(self):
        loan = self.market.functions.borrow(
            self.world["market"],
            SUB,
            self.vault.address,
            UNITS["refusedLoan"],
            self.borrower.address,
        )
        self.assertEqual(self.refusal(self.borrower, loan)[0], "StalePrice")
        self.report(self.world["ethFeed"], WADS["ethBefore"])
        self.report(self.world["usdFeed"], WADS["dollar"])

        owed = self.debt()
        name, values = self.refusal(self.borrower, loan)
        self.assertEqual(name, "AboveLimit")
        self.assertEqual(values["limit"], WADS["borrowLimit"])
        self.assertGreaterEqual(values["debtValue"] // 10**12, owed + UNITS["refusedLoan"])
        with self.assertRaises(ContractCustomError):
            loan.estimate_gas({"from": self.borrower.address})

        before = self.balance(self.usd, self.borrower)
        self.assertEqual(self.send(self.borrower, loan, gas=1_000_000)["status"], 0)
        self.assertEqual(self.balance(self.usd, self.borrower), before)

    def test_07_the_borrower_repays_all_and_withdraws_all(self):
        market, owner = self.market.functions, self.borrower.address
        before = self.balance(self.usd, self.borrower)
        repay = market.repay(self.world["market"], owner, SUB, self.vault.address, UINT256_MAX)
        repaid = self.act(self.borrower, repay, self.market.events.Repaid())["amount"]
        self.assertEqual(before - self.balance(self.usd, self.borrower), repaid)
        self.assertEqual(self.debt(), 0)
        release = market.withdrawCollateral(
            self.world["market"], SUB, self.weth.address, UINT256_MAX, owner
        )
        released = self.act(self.borrower, release, self.market.events.CollateralWithdrawn())
        self.assertEqual(released["amount"], UNITS["collateral"])
        self.act(self.borrower, self.weth.functions.withdraw(UNITS["collateral"]))
        lender, vault = self.lender.address, self.vault.functions
        redeem = vault.redeem(vault.maxRedeem(lender).call(), lender, lender)
        redeemed = self.act(self.lender, redeem, self.vault.events.Withdraw())
        self.assertGreater(redeemed["assets"], UNITS["deposit"])

    def test_08_after_a_price_fall_anyone_liquidates_the_borrower(self):
        deposit = self.vault.functions.deposit(UNITS["deposit"], self.lender.address)
        self.act(self.lender, deposit)
        self.supply_and_borrow(UNITS["secondLoan"])
        liquidate = self.market.functions.liquidate(
            self.world["market"],
            self.borrower.address,
            SUB,
            self.vault.address,
            self.weth.address,
            UINT256_MAX,
            self.liquidator.address,
        )
        self.pass_time(SECONDS["grace"])
        self.assertEqual(self.refusal(self.liquidator, liquidate)[0], "Healthy")
        self.report(self.world["ethFeed"], WADS["ethAfter"])

        dollars = self.balance(self.usd, self.liquidator)
        coins = self.balance(self.weth, self.liquidator)
        taken = self.act(self.liquidator, liquidate, self.market.events.Liquidated())
        self.assertEqual(taken["owner"], self.borrower.address)
        self.assertEqual(dollars - self.balance(self.usd, self.liquidator), taken["repaid"])
        self.assertEqual(self.balance(self.weth, self.liquidator) - coins, taken["seized"])
        health = self.market.functions.healthFactor(
            self.world["market"], self.borrower.address, SUB
        )
        self.assertGreater(health.call(), WAD)

    def test_09_the_story_can_be_read_back_from_logs(self):
        events, owner = self.market.events, self.borrower.address
        loans = events.Borrowed().get_logs(from_block=0, argument_filters={"owner": owner})
        self.assertEqual(
            [log["args"]["amount"] for log in loans], [UNITS["firstLoan"], UNITS["secondLoan"]]
        )
        stranger = {"owner": self.lender.address}
        others = events.Borrowed().get_logs(from_block=0, argument_filters=stranger)
        self.assertEqual(list(others), [])
        kept = events.Liquidated().create_filter(from_block=0)
        (taken,) = kept.get_all_entries()
        self.assertEqual(taken["args"]["liquidator"], self.liquidator.address)
        self.assertEqual(self.w3.eth.get_block(taken["blockNumber"])["hash"], taken["blockHash"])

        news = self.usd.events.Transfer().create_filter(from_block="latest")
        self.act(self.spender, self.usd.functions.transfer(owner, 3))
        found = eventually(lambda: news.get_new_entries() or None)
        self.assertEqual(found[-1]["args"]["value"], 3)

    def test_10_a_web_socket_carries_heads_and_logs(self):
        asyncio.run(asyncio.wait_for(self.listen(), SUBSCRIPTION_SECONDS_MAX))

    async def listen(self):
        transfer = self.usd.events.Transfer()
        heads, values = [], []
        async with AsyncWeb3(WebSocketProvider(self.node.web_socket_url)) as live:
            head_id, log_id = await live.subscription_manager.subscribe(
                [
                    NewHeadsSubscription(),
                    LogsSubscription(address=self.usd.address, topics=[transfer.topic]),
                ]
            )
            pay = self.usd.functions.transfer(self.borrower.address, 7)
            receipt = await asyncio.to_thread(self.act, self.spender, pay)
            async for message in live.socket.process_subscriptions():
                if message["subscription"] == head_id:
                    heads.append(message["result"]["number"])
                if message["subscription"] == log_id:
                    values.append(transfer.process_log(message["result"])["args"]["value"])
                if values and receipt["blockNumber"] in heads:
                    break
            self.assertEqual(values, [7])
            self.assertTrue(await live.subscription_manager.unsubscribe_all())


if __name__ == "__main__":
    unittest.main()
