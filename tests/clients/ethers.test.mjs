// The borrower's story through ethers.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  Contract,
  HDNodeWallet,
  JsonRpcProvider,
  MaxUint256,
  NonceManager,
  Signature,
  TypedDataEncoder,
  WebSocketProvider,
  isError,
  parseEther,
} from 'ethers'
import { eventually, passTime, startNode } from './devnode.mjs'
import { MARKET, ORACLE, abi, buildWorld, oracleDomain, signedReport, story } from './world.mjs'

const { units, wads, seconds, types } = story
const SUB = 0
const POLL_MILLISECONDS = 100

const key = (name) =>
  HDNodeWallet.fromPhrase(story.mnemonic, undefined, `m/44'/60'/0'/0/${story.actors[name]}`)

describe("ethers: the borrower's story", () => {
  let node, provider, world, usd, weth, vault, market, oracle
  const lender = key('lender')
  const borrower = key('borrower')
  const liquidator = key('liquidator')
  const spender = key('spender')
  const publisher = key('publisher')

  before(async () => {
    node = await startNode()
    world = await buildWorld(node.url)
    provider = new JsonRpcProvider(node.url, undefined, {
      pollingInterval: POLL_MILLISECONDS,
      cacheTimeout: -1,
    })
    usd = new Contract(world.usd, abi().asset, provider)
    weth = new Contract(world.weth, abi().asset, provider)
    vault = new Contract(world.vault, abi().vault, provider)
    market = new Contract(MARKET, abi().market, provider)
    oracle = new Contract(ORACLE, abi().oracle, provider)
  })
  after(async () => {
    provider?.destroy()
    await node?.stop()
  })

  const as = (contract, who) => contract.connect(who.connect(provider))
  const debt = () => market.debtOf(world.market, borrower, SUB, world.vault)

  /** Waits until it is mined: the receipt and its decoded events. */
  async function done(sending) {
    const receipt = await (await sending).wait()
    assert.equal(receipt.status, 1)
    const event = (name) => receipt.logs.find((log) => log.fragment?.name === name)?.args
    return { receipt, event }
  }

  /** The custom error that a call meets, by the contract's own interface. */
  async function refusal(contract, who, functionName, args) {
    try {
      await as(contract, who)[functionName].staticCall(...args)
    } catch (error) {
      assert.ok(isError(error, 'CALL_EXCEPTION'), String(error))
      assert.ok(error.revert, `no decoded error in: ${error.message}`)
      return error.revert
    }
    assert.fail('was not refused')
  }

  /** The publisher signs the feed's next report, as typed data, and the next block applies it. */
  async function report(feed, price) {
    const { rounds } = await oracle.feedState(feed)
    const { timestamp } = await provider.getBlock('latest')
    const { chainId } = await provider.getNetwork()
    const message = { feed, round: rounds + 1n, time: timestamp, price, confidence: 0n }
    const signature = await publisher.signTypedData(
      oracleDomain(chainId),
      { PriceReport: types.PriceReport },
      message,
    )
    await provider.send('gage_submitReports', [[signedReport(message, signature)]])
    await provider.send('evm_mine', [])
    assert.equal((await oracle.feedState(feed)).price, price)
  }

  test('a wallet connects and finds its coins and fees', async () => {
    const network = await provider.getNetwork()
    assert.equal(BigInt(await provider.send('net_version', [])), network.chainId)
    assert.equal(await provider.getBalance(borrower), parseEther('10000'))
    const fees = await provider.getFeeData()
    const head = await provider.getBlock('latest', true)
    assert.ok(fees.maxFeePerGas > head.baseFeePerGas)
    assert.ok(fees.gasPrice >= head.baseFeePerGas)
    assert.equal(head.prefetchedTransactions[0].to, ORACLE)
    assert.equal((await provider.getBlock(head.hash)).number, head.number)
  })

  test('a permit is signed, relayed, seen and spent, once', async () => {
    const { name, version, chainId, verifyingContract } = await usd.eip712Domain()
    const domain = { name, version, chainId, verifyingContract }
    assert.equal(TypedDataEncoder.hashDomain(domain), await usd.DOMAIN_SEPARATOR())
    const { timestamp } = await provider.getBlock('latest')
    const message = {
      owner: lender.address,
      spender: spender.address,
      value: units.permitted,
      nonce: await usd.nonces(lender),
      deadline: timestamp + 3600,
    }
    const { v, r, s } = Signature.from(
      await lender.signTypedData(domain, { Permit: types.Permit }, message),
    )
    const permit = [lender, spender, units.permitted, message.deadline, v, r, s]
    const { event } = await done(as(usd, spender).permit(...permit))
    assert.equal(event('Approval').value, units.permitted)
    assert.equal(await usd.allowance(lender, spender), units.permitted)

    await done(as(usd, spender).transferFrom(lender, spender, units.spent))
    assert.equal(await usd.balanceOf(spender), units.spent)
    assert.equal(await usd.allowance(lender, spender), units.permitted - units.spent)
    assert.equal((await refusal(usd, spender, 'permit', permit)).name, 'ERC2612InvalidSigner')
    const more = await refusal(usd, spender, 'transferFrom', [lender, spender, units.permitted])
    assert.equal(more.name, 'ERC20InsufficientAllowance')
    assert.equal(more.args.allowance, units.permitted - units.spent)
  })

  test('the lender deposits and holds shares', async () => {
    const shares = await vault.previewDeposit(units.deposit)
    assert.equal(await as(vault, lender).deposit.staticCall(units.deposit, lender), shares)
    const { event } = await done(as(vault, lender).deposit(units.deposit, lender))
    assert.deepEqual([...event('Deposit')], [lender.address, lender.address, units.deposit, shares])
    assert.equal(await vault.balanceOf(lender), shares)
    assert.equal(await vault.convertToAssets(shares), units.deposit)
  })

  test('the borrower wraps coins, pledges them and borrows', async () => {
    await done(as(weth, borrower).deposit({ value: units.collateral }))
    const pledge = [world.market, borrower, SUB, world.weth, units.collateral]
    const gas = await as(market, borrower).supplyCollateral.estimateGas(...pledge)
    const { receipt, event } = await done(as(market, borrower).supplyCollateral(...pledge))
    assert.ok(receipt.gasUsed <= gas)
    assert.equal(event('CollateralSupplied').amount, units.collateral)
    const before = await usd.balanceOf(borrower)
    const loan = [world.market, SUB, world.vault, units.firstLoan, borrower]
    assert.equal(
      (await done(as(market, borrower).borrow(...loan))).event('Borrowed').amount,
      units.firstLoan,
    )
    assert.equal((await usd.balanceOf(borrower)) - before, units.firstLoan)
    const account = await market.accountState(world.market, borrower, SUB)
    // A second or two of interest may have been added since.
    const missing = parseEther('1.6') - account.healthFactor
    assert.ok(missing >= 0n && missing < parseEther('0.0000001'), String(missing))
    assert.equal(account.borrowLimit, wads.borrowLimit)
  })

  test('time passes and the debt grows', async () => {
    const index = (await vault.state()).borrowIndex
    await passTime(node.url, seconds.loan)
    const interest = (await debt()) - units.firstLoan
    // A tenth of the vault is lent: 1 % and a ninth of 4 % a year, for thirty days.
    assert.ok(interest > 11_800_000n && interest < 12_000_000n, String(interest))
    const { event } = await done(as(vault, spender).accrue())
    assert.ok(event('Accrued').borrowIndex > index)
  })

  test('a loan above the limit is refused, with the reason', async () => {
    const loan = [world.market, SUB, world.vault, units.refusedLoan, borrower]
    const stale = await refusal(market, borrower, 'borrow', loan)
    assert.equal(stale.name, 'StalePrice')
    await report(world.ethFeed, wads.ethBefore)
    await report(world.usdFeed, wads.dollar)

    const owed = await debt()
    const refused = await refusal(market, borrower, 'borrow', loan)
    assert.equal(refused.name, 'AboveLimit')
    assert.equal(refused.args.limit, wads.borrowLimit)
    const dollars = refused.args.debtValue / 10n ** 12n
    assert.ok(dollars >= owed + units.refusedLoan && dollars <= owed + units.refusedLoan + 10_000n)

    // Sent, it is refused by the estimate that ethers makes first, with the same data.
    await assert.rejects(as(market, borrower).borrow(...loan), (error) => {
      return market.interface.parseError(error.data).name === 'AboveLimit'
    })
    // Sent with a gas limit, hence without asking first, it fails in a block.
    const sent = await as(market, borrower).borrow(...loan, { gasLimit: 1_000_000 })
    await assert.rejects(sent.wait(), (error) => error.receipt.status === 0)
  })

  test('the borrower repays all and withdraws all', async () => {
    const before = await usd.balanceOf(borrower)
    const all = [world.market, borrower, SUB, world.vault, MaxUint256]
    const repaid = (await done(as(market, borrower).repay(...all))).event('Repaid').amount
    assert.equal(before - (await usd.balanceOf(borrower)), repaid)
    assert.equal(await debt(), 0n)
    const out = [world.market, SUB, world.weth, MaxUint256, borrower]
    const { event } = await done(as(market, borrower).withdrawCollateral(...out))
    assert.equal(event('CollateralWithdrawn').amount, units.collateral)
    await done(as(weth, borrower).withdraw(units.collateral))
    assert.equal(await weth.balanceOf(borrower), 0n)
    const shares = await vault.maxRedeem(lender)
    const { assets } = (await done(as(vault, lender).redeem(shares, lender, lender))).event(
      'Withdraw',
    )
    assert.ok(assets > units.deposit)
  })

  test('after a price fall anyone liquidates the borrower', async () => {
    // Nonces counted by ethers' own manager rather than asked for.
    const queue = new NonceManager(borrower.connect(provider))
    await done(as(vault, lender).deposit(units.deposit, lender))
    await done(weth.connect(queue).deposit({ value: units.collateral }))
    await done(
      market
        .connect(queue)
        .supplyCollateral(world.market, borrower, SUB, world.weth, units.collateral),
    )
    await done(
      market.connect(queue).borrow(world.market, SUB, world.vault, units.secondLoan, borrower),
    )

    const take = [world.market, borrower, SUB, world.vault, world.weth, MaxUint256, liquidator]
    await passTime(node.url, seconds.grace)
    assert.equal((await refusal(market, liquidator, 'liquidate', take)).name, 'Healthy')
    await report(world.ethFeed, wads.ethAfter)
    const health = await market.healthFactor(world.market, borrower, SUB)
    assert.ok(health < parseEther('1') && health > parseEther('0.97'), String(health))

    const dollars = await usd.balanceOf(liquidator)
    const coins = await weth.balanceOf(liquidator)
    const taken = (await done(as(market, liquidator).liquidate(...take))).event('Liquidated')
    assert.equal(taken.owner, borrower.address)
    assert.equal(dollars - (await usd.balanceOf(liquidator)), taken.repaid)
    assert.equal((await weth.balanceOf(liquidator)) - coins, taken.seized)
    assert.ok((await market.healthFactor(world.market, borrower, SUB)) > parseEther('1'))
    // Enough of it, and no more than the target asks: a part of the debt stays.
    assert.ok(taken.repaid > 5_000_000_000n && taken.repaid < 7_000_000_000n, String(taken.repaid))
    assert.ok((await debt()) > 0n)
  })

  test('the story can be read back from logs', async () => {
    const loans = await market.queryFilter(market.filters.Borrowed(null, borrower), 0)
    assert.deepEqual(
      loans.map((log) => log.args.amount),
      [units.firstLoan, units.secondLoan],
    )
    const none = await market.queryFilter(market.filters.Borrowed(null, lender), 0)
    assert.equal(none.length, 0)
    const [taken] = await market.queryFilter(market.filters.Liquidated(null, null, liquidator), 0)
    const block = await taken.getBlock()
    const receipt = await taken.getTransactionReceipt()
    assert.equal(receipt.blockHash, block.hash)
    assert.equal(receipt.from, liquidator.address)
    // A block's own transactions and receipts agree with the log.
    const receipts = await provider.send('eth_getBlockReceipts', [block.hash])
    assert.deepEqual(
      receipts.map((one) => one.transactionHash),
      [...block.transactions],
    )
  })

  test('a contract is listened to over HTTP', async () => {
    const seen = []
    await usd.on(usd.filters.Transfer(spender), (event) => seen.push(event.args.value))
    // The listener polls from the block it starts at; wait until it has polled once.
    const polled = new Promise((resolve) => provider.once('block', resolve))
    await provider.send('evm_mine', [])
    await polled
    await done(as(usd, spender).transfer(borrower, 5n))
    await eventually(() => seen.length > 0)
    assert.deepEqual(seen, [5n])
    await usd.removeAllListeners()
  })

  test('a WebSocket carries heads, logs and pending transactions', async () => {
    const live = new WebSocketProvider(node.webSocketUrl)
    try {
      const [heads, values, pending] = [[], [], []]
      const dollars = usd.connect(live)
      await live.on('block', (number) => heads.push(number))
      await live.on('pending', (hash) => pending.push(hash))
      await dollars.on(dollars.filters.Transfer(spender), (event) => values.push(event.args.value))
      await eventually(async () => {
        await provider.send('evm_mine', [])
        return heads.length > 0
      })
      const { receipt } = await done(as(usd, spender).transfer(borrower, 7n))
      await done(as(usd, lender).transfer(borrower, 8n))
      await eventually(() => values.length > 0 && pending.includes(receipt.hash))
      await eventually(() => heads.includes(receipt.blockNumber))
      assert.deepEqual(values, [7n])
    } finally {
      await live.destroy()
    }
  })
})
