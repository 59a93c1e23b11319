// The borrower's story through viem.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  createPublicClient,
  decodeFunctionData,
  fromRlp,
  hashDomain,
  maxUint256,
  parseEther,
  parseSignature,
  toHex,
  webSocket,
} from 'viem'
import { getEip712Domain, readContract } from 'viem/actions'
import { actingIn } from './acting.mjs'
import { eventually, passTime, startNode } from './devnode.mjs'
import { provenValue } from './proof.mjs'
import {
  MARKET,
  abi,
  actor,
  buildWorld,
  oracleDomain,
  publish,
  signedReport,
  story,
  wallet,
} from './world.mjs'

const { units, wads, seconds, types } = story
const SUB = 0

describe("viem: the borrower's story", () => {
  let node, world, lender, borrower, liquidator, spender
  let at, read, held, act, refusal
  before(async () => {
    node = await startNode()
    world = await buildWorld(node.url)
    ;[lender, borrower, liquidator, spender] = await Promise.all(
      ['lender', 'borrower', 'liquidator', 'spender'].map((name) => wallet(node.url, actor(name))),
    )
    ;({ at, read, held, act, refusal } = actingIn(world, borrower))
  })
  after(() => node?.stop())

  const debt = () =>
    read('market', 'debtOf', world.market, borrower.account.address, SUB, world.vault)

  test('a wallet connects and finds its coins and fees', async () => {
    assert.equal(await borrower.getChainId(), borrower.chain.id)
    assert.equal(await borrower.request({ method: 'net_version' }), String(borrower.chain.id))
    assert.match(await borrower.request({ method: 'web3_clientVersion' }), /gage/i)
    assert.equal(await borrower.request({ method: 'eth_syncing' }), false)
    assert.equal(await borrower.getBalance(borrower.account), parseEther('10000'))
    const block = await borrower.getBlock({ includeTransactions: true })
    assert.ok(block.baseFeePerGas > 0n)
    assert.equal(block.transactions[0].to, '0x6761676502000000000000000000000000000000')
    const fees = await borrower.estimateFeesPerGas()
    assert.ok(fees.maxFeePerGas > block.baseFeePerGas)
    const history = await borrower.getFeeHistory({ blockCount: 3, rewardPercentiles: [10, 50, 90] })
    assert.equal(history.baseFeePerGas.length, history.gasUsedRatio.length + 1)
    assert.equal(history.reward[0].length, 3)
  })

  test('a permit is signed, relayed, seen and spent, once', async () => {
    const owner = lender.account.address
    const relayer = spender.account.address
    const { domain } = await getEip712Domain(borrower, { address: world.usd })
    assert.equal(domain.chainId, borrower.chain.id)
    assert.equal(domain.verifyingContract.toLowerCase(), world.usd.toLowerCase())
    const EIP712Domain = [
      'name:string',
      'version:string',
      'chainId:uint256',
      'verifyingContract:address',
    ]
    const domainTypes = EIP712Domain.map((field) => {
      const [name, type] = field.split(':')
      return { name, type }
    })
    assert.equal(
      hashDomain({ domain: { ...domain, salt: undefined }, types: { EIP712Domain: domainTypes } }),
      await read('usd', 'DOMAIN_SEPARATOR'),
    )

    const nonce = await read('usd', 'nonces', owner)
    const { timestamp } = await borrower.getBlock()
    const message = {
      owner,
      spender: relayer,
      value: units.permitted,
      nonce,
      deadline: timestamp + 3600n,
    }
    const signature = await lender.signTypedData({
      domain: { ...domain, salt: undefined },
      types: { Permit: types.Permit },
      primaryType: 'Permit',
      message,
    })
    const { r, s, v } = parseSignature(signature)
    const permit = [owner, relayer, units.permitted, message.deadline, Number(v), r, s]
    const { event } = await act(spender, 'usd', 'permit', permit)
    assert.equal(event('Approval').value, units.permitted)
    assert.equal(await read('usd', 'allowance', owner, relayer), units.permitted)
    assert.equal(await read('usd', 'nonces', owner), nonce + 1n)

    await act(spender, 'usd', 'transferFrom', [owner, relayer, units.spent])
    assert.equal(await held('usd', spender), units.spent)
    assert.equal(await read('usd', 'allowance', owner, relayer), units.permitted - units.spent)

    const [again] = await refusal(spender, 'usd', 'permit', permit)
    assert.equal(again, 'ERC2612InvalidSigner')
    const late = [owner, relayer, units.permitted, timestamp - 1n, Number(v), r, s]
    assert.deepEqual(await refusal(spender, 'usd', 'permit', late), [
      'ERC2612ExpiredSignature',
      [timestamp - 1n],
    ])
    const [name, args] = await refusal(spender, 'usd', 'transferFrom', [
      owner,
      relayer,
      units.permitted,
    ])
    assert.equal(name, 'ERC20InsufficientAllowance')
    assert.equal(args[1], units.permitted - units.spent)
  })

  test('the lender deposits and holds shares', async () => {
    const preview = await read('vault', 'previewDeposit', units.deposit)
    const { event, result } = await act(lender, 'vault', 'deposit', [
      units.deposit,
      lender.account.address,
    ])
    assert.equal(result, preview)
    assert.equal(event('Deposit').assets, units.deposit)
    assert.equal(event('Deposit').shares, preview)
    assert.equal(await held('vault', lender), preview)
    assert.equal(await read('vault', 'totalAssets'), units.deposit)
    assert.equal(await read('vault', 'maxWithdraw', lender.account.address), units.deposit)
  })

  test('the borrower wraps coins, pledges them and borrows', async () => {
    const owner = borrower.account.address
    await act(borrower, 'weth', 'deposit', [], { value: units.collateral })
    assert.equal(await held('weth', borrower), units.collateral)
    const pledge = [world.market, owner, SUB, world.weth, units.collateral]
    const supplied = await act(borrower, 'market', 'supplyCollateral', pledge)
    assert.equal(supplied.event('CollateralSupplied').amount, units.collateral)

    const before = await held('usd', borrower)
    const loan = [world.market, SUB, world.vault, units.firstLoan, owner]
    const borrowed = await act(borrower, 'market', 'borrow', loan)
    assert.equal(borrowed.event('Borrowed').amount, units.firstLoan)
    assert.equal(await held('usd', borrower), before + units.firstLoan)

    // Read at the loan's own block: later ones add interest.
    const blockNumber = borrowed.receipt.blockNumber
    const view = { ...at.market(), blockNumber, functionName: 'debtOf' }
    const debtOf = await borrower.readContract({
      ...view,
      args: [world.market, owner, SUB, world.vault],
    })
    assert.equal(debtOf, units.firstLoan)
    const account = await borrower.readContract({
      ...view,
      functionName: 'accountState',
      args: [world.market, owner, SUB],
    })
    assert.equal(account.collateralValue, wads.collateralValue)
    assert.equal(account.borrowLimit, wads.borrowLimit)
    assert.equal(account.collaterals[0].amount, units.collateral)
    assert.equal(account.debts[0].amount, units.firstLoan)
    assert.equal(account.healthFactor, parseEther('1.6'))
    assert.equal(account.collaterals[0].liquidationPrice, parseEther('1250') - 1n) // rounded down
  })

  test('time passes and the debt grows at the stated rate', async () => {
    const { borrowRate } = await read('vault', 'state')
    const start = await borrower.getBlock()
    await passTime(node.url, seconds.loan)
    const end = await borrower.getBlock()
    const elapsed = end.timestamp - start.timestamp
    assert.ok(elapsed >= BigInt(seconds.loan))
    const simple = (units.firstLoan * borrowRate * elapsed) / 10n ** 27n
    const interest = (await debt()) - units.firstLoan
    assert.ok(interest >= simple, `${interest} is below simple interest ${simple}`)
    assert.ok(interest <= simple + simple / 100n + 10n, `${interest} is far above ${simple}`)
    const { event } = await act(spender, 'vault', 'accrue', [])
    assert.ok(event('Accrued').interest >= interest)
  })

  test('a stale price lends nothing', async () => {
    const [name, args] = await refusal(borrower, 'market', 'borrow', [
      world.market,
      SUB,
      world.vault,
      units.minDebt,
      borrower.account.address,
    ])
    assert.equal(name, 'StalePrice')
    assert.equal(args[2], BigInt(seconds.maxAge))
    await publish(node.url, [
      [world.ethFeed, wads.ethBefore],
      [world.usdFeed, wads.dollar],
    ])
  })

  test('a loan above the limit is refused, with the reason', async () => {
    const owed = await debt()
    const loan = [world.market, SUB, world.vault, units.refusedLoan, borrower.account.address]
    const [name, [debtValue, limit]] = await refusal(borrower, 'market', 'borrow', loan)
    assert.equal(name, 'AboveLimit')
    assert.equal(limit, wads.borrowLimit)
    const dollars = debtValue / 10n ** 12n
    assert.ok(dollars >= owed + units.refusedLoan && dollars <= owed + units.refusedLoan + 10_000n)

    // Sent all the same, it is mined, fails, and changes nothing.
    const before = await held('usd', borrower)
    const call = { ...at.market(), functionName: 'borrow', args: loan, gas: 1_000_000n }
    const receipt = await borrower.waitForTransactionReceipt({
      hash: await borrower.writeContract(call),
    })
    assert.equal(receipt.status, 'reverted')
    assert.equal(receipt.logs.length, 0)
    assert.ok(receipt.gasUsed < 1_000_000n)
    assert.equal(await held('usd', borrower), before)
  })

  test('the borrower repays all and withdraws all', async () => {
    const owner = borrower.account.address
    const before = await held('usd', borrower)
    const all = [world.market, owner, SUB, world.vault, maxUint256]
    const repaid = (await act(borrower, 'market', 'repay', all)).event('Repaid').amount
    assert.ok(repaid > units.firstLoan)
    assert.equal(before - (await held('usd', borrower)), repaid)
    assert.equal(await debt(), 0n)
    assert.equal(await read('market', 'healthFactor', world.market, owner, SUB), maxUint256)

    const release = [world.market, SUB, world.weth, maxUint256, owner]
    const { event } = await act(borrower, 'market', 'withdrawCollateral', release)
    assert.equal(event('CollateralWithdrawn').amount, units.collateral)
    assert.equal(await held('weth', borrower), units.collateral)

    const coins = await borrower.getBalance(borrower.account)
    const { receipt } = await act(borrower, 'weth', 'withdraw', [units.collateral])
    const fee = receipt.gasUsed * receipt.effectiveGasPrice
    assert.equal(await borrower.getBalance(borrower.account), coins + units.collateral - fee)
  })

  test('the lender leaves with the interest', async () => {
    const shares = await read('vault', 'maxRedeem', lender.account.address)
    assert.equal(shares, await held('vault', lender))
    const me = lender.account.address
    const { event } = await act(lender, 'vault', 'redeem', [shares, me, me])
    assert.ok(event('Withdraw').assets > units.deposit)
    assert.equal(await held('vault', lender), 0n)
    assert.equal(await read('vault', 'totalSupply'), 0n)
  })

  test('after a price fall anyone liquidates the borrower', async () => {
    const owner = borrower.account.address
    await act(lender, 'vault', 'deposit', [units.deposit, lender.account.address])
    await act(borrower, 'weth', 'deposit', [], { value: units.collateral })
    await act(borrower, 'market', 'supplyCollateral', [
      world.market,
      owner,
      SUB,
      world.weth,
      units.collateral,
    ])
    await act(borrower, 'market', 'borrow', [
      world.market,
      SUB,
      world.vault,
      units.secondLoan,
      owner,
    ])

    const take = [
      world.market,
      owner,
      SUB,
      world.vault,
      world.weth,
      maxUint256,
      liquidator.account.address,
    ]
    // The feeds were stale: liquidation waits a while.
    const [paused] = await refusal(liquidator, 'market', 'liquidate', take)
    assert.equal(paused, 'LiquidationPaused')
    await passTime(node.url, seconds.grace)
    const [healthy] = await refusal(liquidator, 'market', 'liquidate', take)
    assert.equal(healthy, 'Healthy')

    const publisher = await wallet(node.url, actor('publisher'))
    const feed = {
      address: oracleDomain(0).verifyingContract,
      abi: abi().oracle,
      functionName: 'feedState',
    }
    const { rounds } = await readContract(publisher, { ...feed, args: [world.ethFeed] })
    const { timestamp } = await publisher.getBlock()
    const [round, price] = [BigInt(rounds) + 1n, wads.ethAfter]
    const report = { feed: world.ethFeed, round, time: timestamp, price, confidence: 0n }
    const signature = await publisher.signTypedData({
      domain: oracleDomain(publisher.chain.id),
      types: { PriceReport: types.PriceReport },
      primaryType: 'PriceReport',
      message: report,
    })
    await publisher.request({
      method: 'gage_submitReports',
      params: [[signedReport(report, signature)]],
    })
    await publisher.request({ method: 'evm_mine' })
    const seen = await readContract(publisher, { ...feed, args: [world.ethFeed] })
    assert.equal(seen.price, wads.ethAfter)

    const health = await read('market', 'healthFactor', world.market, owner, SUB)
    assert.ok(health < parseEther('1') && health > parseEther('0.97'), String(health))
    const plan = await read('market', 'previewLiquidation', ...take.slice(0, 6))
    const owed = await debt()
    const [dollars, coins] = [await held('usd', liquidator), await held('weth', liquidator)]
    const taken = (await act(liquidator, 'market', 'liquidate', take)).event('Liquidated')
    assert.equal(taken.owner, owner)
    assert.equal(taken.liquidator, liquidator.account.address)
    assert.ok(taken.repaid >= plan.repay && taken.repaid <= plan.repay + plan.repay / 1000n)
    assert.equal(taken.bonus, plan.bonus)
    assert.equal(dollars - (await held('usd', liquidator)), taken.repaid)
    assert.equal((await held('weth', liquidator)) - coins, taken.seized)
    assert.ok((await debt()) <= owed - taken.repaid + 10_000n)
    assert.equal(
      await read('market', 'collateralOf', world.market, owner, SUB, world.weth),
      units.collateral - taken.seized,
    )
    // What was seized is worth what was repaid and the bonus, told in whole basis points.
    const worth = (taken.seized * wads.ethAfter) / 10n ** 30n
    const worthOf = (bonus) => (taken.repaid * (10_000n + BigInt(bonus))) / 10_000n
    const [least, most] = [worthOf(taken.bonus) - 10n, worthOf(taken.bonus + 1) + 10n]
    assert.ok(worth >= least && worth <= most, `${worth} for ${least} to ${most}`)
    const after = await read('market', 'healthFactor', world.market, owner, SUB)
    assert.ok(after > parseEther('1'), String(after))
  })

  test('the story can be read back from logs', async () => {
    const owner = borrower.account.address
    const query = { ...at.market(), fromBlock: 0n, strict: true }
    const loans = await borrower.getContractEvents({
      ...query,
      eventName: 'Borrowed',
      args: { owner },
    })
    assert.deepEqual(
      loans.map((log) => log.args.amount),
      [units.firstLoan, units.secondLoan],
    )
    const others = await borrower.getContractEvents({
      ...query,
      eventName: 'Borrowed',
      args: { owner: lender.account.address },
    })
    assert.equal(others.length, 0)
    const [taken] = await borrower.getContractEvents({
      ...query,
      eventName: 'Liquidated',
      args: { owner, liquidator: liquidator.account.address },
    })
    assert.equal(taken.args.asset.toLowerCase(), world.weth.toLowerCase())
    const block = await borrower.getBlock({ blockNumber: taken.blockNumber })
    assert.equal(block.hash, taken.blockHash)
    assert.ok(block.transactions.includes(taken.transactionHash))
    const sameBlock = await borrower.getLogs({ blockHash: taken.blockHash })
    assert.ok(sameBlock.some((log) => log.logIndex === taken.logIndex))

    const filter = await borrower.createContractEventFilter({ ...at.usd(), eventName: 'Transfer' })
    await act(spender, 'usd', 'transfer', [owner, 1n])
    const changes = await eventually(async () => {
      const found = await borrower.getFilterChanges({ filter })
      return found.length > 0 && found
    })
    assert.deepEqual(
      changes.map((log) => log.args.value),
      [1n],
    )
    assert.equal(await borrower.uninstallFilter({ filter }), true)
  })

  test("the protocol's own RPC methods agree with its contracts", async () => {
    const ask = (method, ...params) => borrower.request({ method, params })
    const owner = borrower.account.address
    const blockNumber = await borrower.getBlockNumber({ cacheTime: 0 })
    const block = toHex(blockNumber)
    const told = await ask('gage_explain', world.market, owner, SUB, block)
    const args = [world.market, owner, SUB]
    const state = await borrower.readContract({
      ...at.market(),
      functionName: 'accountState',
      args,
      blockNumber,
    })
    for (const name of [
      'collateralValue',
      'debtValue',
      'borrowLimit',
      'liquidationLimit',
      'healthFactor',
    ]) {
      assert.equal(BigInt(told[name].raw), state[name], name)
    }
    assert.equal(BigInt(told.debts[0].amount.raw), state.debts[0].amount)
    assert.equal(
      BigInt(told.collaterals[0].liquidationPrice.raw),
      state.collaterals[0].liquidationPrice,
    )

    const vaults = await ask('gage_vaults', block)
    const vault = vaults.find((one) => one.address.toLowerCase() === world.vault.toLowerCase())
    const totals = { ...at.vault(), functionName: 'totalAssets', blockNumber }
    assert.equal(BigInt(vault.totalAssets.raw), await borrower.readContract(totals))
    const { liquidations } = await ask('gage_liquidations', '0x0', block)
    assert.deepEqual(
      liquidations.map((one) => one.liquidator),
      [liquidator.account.address.toLowerCase()],
    )

    const half = { prices: { [world.ethFeed]: String(wads.ethAfter / 2n) } }
    const { before, after, refused } = await ask('gage_whatIf', ...args, half)
    assert.deepEqual([before.liquidatable, after.liquidatable, refused], [false, true, null])
    const more = { borrow: [{ vault: world.vault, amount: String(units.firstLoan) }] }
    const outcome = await ask('gage_whatIf', ...args, more)
    assert.match(outcome.refused.error, /^AboveLimit/)
  })

  test('the past can be read', async () => {
    const [loan] = await borrower.getContractEvents({
      ...at.market(),
      eventName: 'Borrowed',
      fromBlock: 0n,
    })
    const args = [world.market, borrower.account.address, SUB, world.vault]
    const owedAt = (blockNumber) =>
      borrower.readContract({ ...at.market(), functionName: 'debtOf', args, blockNumber })
    assert.equal(await owedAt(loan.blockNumber - 1n), 0n)
    assert.equal(await owedAt(loan.blockNumber), units.firstLoan)
  })

  test('state proofs hold against the header', async () => {
    const { accessList } = await borrower.createAccessList({
      to: world.vault,
      data: '0x01e1d114', // totalAssets()
    })
    const keys = accessList.find(
      (entry) => entry.address.toLowerCase() === world.vault.toLowerCase(),
    )
    assert.ok(keys?.storageKeys.length > 0, 'the access list names the slots of the vault')
    const { number, stateRoot } = await borrower.getBlock()
    const proof = await borrower.getProof({
      address: world.vault,
      storageKeys: keys.storageKeys,
      blockNumber: number,
    })
    const account = fromRlp(provenValue(stateRoot, world.vault, proof.accountProof))
    assert.equal(account[2], proof.storageHash)
    assert.equal(account[3], proof.codeHash)
    for (const { key, value, proof: nodes } of proof.storageProof) {
      const slot = toHex(BigInt(key), { size: 32 })
      const shown = provenValue(proof.storageHash, slot, nodes)
      assert.equal(shown === undefined ? 0n : BigInt(fromRlp(shown)), value)
      const stored = await borrower.getStorageAt({
        address: world.vault,
        slot,
        blockNumber: number,
      })
      assert.equal(BigInt(stored), value)
    }
    const nobody = '0x00000000000000000000000000000000000000aa'
    const absent = await borrower.getProof({
      address: nobody,
      storageKeys: [],
      blockNumber: number,
    })
    assert.equal(provenValue(stateRoot, nobody, absent.accountProof), undefined)
  })

  test('legacy, access list, fee market, set code: every type is taken', async () => {
    const sent = []
    for (const type of ['legacy', 'eip2930', 'eip1559']) {
      const call = { to: spender.account.address, value: 1n, type }
      if (type === 'eip2930') call.accessList = [{ address: world.usd, storageKeys: [] }]
      const hash = await lender.sendTransaction(call)
      const receipt = await lender.waitForTransactionReceipt({ hash })
      assert.equal(receipt.status, 'success')
      sent.push((await lender.getTransaction({ hash })).type, receipt.type)
    }
    assert.deepEqual(sent, ['legacy', 'legacy', 'eip2930', 'eip2930', 'eip1559', 'eip1559'])

    const delegator = await wallet(node.url, actor('delegator'))
    const authorization = await delegator.signAuthorization({
      contractAddress: MARKET,
      executor: 'self',
    })
    const hash = await delegator.sendTransaction({
      to: spender.account.address,
      authorizationList: [authorization],
    })
    const receipt = await delegator.waitForTransactionReceipt({ hash })
    assert.equal(receipt.status, 'success')
    assert.equal(receipt.type, 'eip7702')
    const code = await delegator.getCode(delegator.account)
    assert.equal(code, `0xef0100${MARKET.slice(2)}`)
    // A delegated account is not the market: native code answers only at its own address.
    const create = {
      address: delegator.account.address,
      abi: abi().market,
      functionName: 'createMarket',
      args: [{ targetHealth: parseEther('1.05'), fullBonusHealth: parseEther('0.9') }],
    }
    await assert.rejects(borrower.simulateContract(create), /DirectCallOnly|InvalidFEOpcode/)
  })

  test('a WebSocket carries heads, logs and pending transactions', async () => {
    const live = createPublicClient({
      chain: borrower.chain,
      transport: webSocket(node.webSocketUrl),
    })
    const [heads, logs, pending, errors] = [[], [], [], []]
    const onError = (error) => errors.push(error)
    const stops = [
      live.watchBlocks({ onBlock: (block) => heads.push(block.number), onError }),
      live.watchContractEvent({
        ...at.usd(),
        eventName: 'Transfer',
        args: { from: spender.account.address },
        onLogs: (found) => logs.push(...found),
        onError,
      }),
      live.watchPendingTransactions({ onTransactions: (found) => pending.push(...found), onError }),
    ]
    try {
      // The subscriptions stand once a block has been announced.
      await eventually(async () => {
        await borrower.request({ method: 'evm_mine' })
        return heads.length > 0
      })
      const { receipt } = await act(spender, 'usd', 'transfer', [borrower.account.address, 7n])
      await act(lender, 'usd', 'transfer', [borrower.account.address, 8n])
      await eventually(() => logs.length > 0 && pending.includes(receipt.transactionHash))
      await eventually(() => heads.includes(receipt.blockNumber))
      assert.deepEqual(
        logs.map((log) => log.args.value),
        [7n],
      )
      assert.equal(logs[0].transactionHash, receipt.transactionHash)
      assert.deepEqual(errors, [])
      assert.equal((await live.getBlockNumber({ cacheTime: 0 })) >= receipt.blockNumber, true)
    } finally {
      stops.forEach((stop) => stop())
      const socket = await live.transport.getRpcClient()
      socket.close()
    }
  })

  test('what is simulated and what is traced shows the native contracts', async () => {
    const to = lender.account.address
    const transfer = { ...at.usd(), functionName: 'transfer', args: [to, 3n] }
    const nothing = [world.market, SUB, world.vault, units.firstLoan, to]
    const refused = { ...at.market(), functionName: 'borrow', args: nothing }
    const calls = [
      { ...transfer, to: world.usd, account: borrower.account },
      { ...refused, to: MARKET, account: lender.account },
    ]
    const [block] = await borrower.simulateBlocks({ blocks: [{ calls }] })
    const [moved, denied] = block.calls
    assert.deepEqual([moved.status, moved.result], ['success', true])
    assert.equal(moved.logs.length, 1)
    assert.equal(denied.status, 'failure')
    assert.match(denied.data, /^0x[0-9a-f]{8}/)

    const { receipt } = await act(borrower, 'usd', 'transfer', transfer.args)
    const withLog = { tracer: 'callTracer', tracerConfig: { withLog: true } }
    const trace = (hash) =>
      borrower.request({ method: 'debug_traceTransaction', params: [hash, withLog] })
    const frame = await trace(receipt.transactionHash)
    assert.equal(frame.to, world.usd.toLowerCase())
    assert.equal(BigInt(frame.gasUsed), receipt.gasUsed)
    assert.deepEqual(decodeFunctionData({ ...at.usd(), data: frame.input }), {
      functionName: 'transfer',
      args: [to, 3n],
    })
    assert.deepEqual(
      frame.logs.map(({ address, topics, data }) => ({ address, topics, data })),
      receipt.logs.map(({ address, topics, data }) => ({ address, topics, data })),
    )
  })

  test('the node ends when asked to', async () => {
    const { code } = await node.stop()
    assert.equal(code, 0)
  })
})
