// The bidder's story through viem: vault shares wait in the queue, a price falls, the block itself
// sells to them. Then a stop-loss order, and a liquidator who pays with shares.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { maxUint256, parseEther, parseEventLogs } from 'viem'
import { actingIn } from './acting.mjs'
import { passTime, startNode } from './devnode.mjs'
import { MARKET, ORACLE, abi, actor, buildWorld, publish, story, wallet } from './world.mjs'

const { units, wads } = story
const SUB = 0
const WAD = 10n ** 18n
const USD = 10n ** 6n
const SYSTEM = '0xfffffffffffffffffffffffffffffffffffffffe'

// Tiers are half percents.
const TWO = 4
const THREE = 6
const NOTICE_SECONDS = 600
const WINDOW_SECONDS = 3600

const UNHEALTHY = 0
const STOP_LOSS = 2

describe("viem: the bidder's story", () => {
  let node, world, lender, borrower, bidder, owner
  let read, held, act, refusal
  before(async () => {
    node = await startNode()
    world = await buildWorld(node.url)
    ;[lender, borrower, bidder, owner] = await Promise.all(
      ['lender', 'borrower', 'liquidator', 'spender'].map((name) => wallet(node.url, actor(name))),
    )
    ;({ read, held, act, refusal } = actingIn(world, borrower))
    await act(lender, 'vault', 'deposit', [units.deposit, lender.account.address])
  })
  after(() => node?.stop())

  const queue = (tier) => [world.market, world.vault, world.weth, tier]
  const bid = (tier, who = bidder) => read('market', 'bidState', ...queue(tier), who.account.address)
  const health = (who) =>
    read('market', 'healthFactor', world.market, who.account.address, SUB)
  const ask = (method, ...params) => borrower.request({ method, params })

  /** Pledges 10 coins and borrows. */
  async function borrow(who, dollars) {
    const me = who.account.address
    await act(who, 'weth', 'deposit', [], { value: units.collateral })
    const pledge = [world.market, me, SUB, world.weth, units.collateral]
    await act(who, 'market', 'supplyCollateral', pledge)
    await act(who, 'market', 'borrow', [world.market, SUB, world.vault, dollars, me])
  }

  /** Reports a price; the block that took it, and what its sweep did. */
  async function fall(price) {
    const start = await borrower.getBlockNumber({ cacheTime: 0 })
    await publish(node.url, [
      [world.ethFeed, price],
      [world.usdFeed, wads.dollar],
    ])
    const [updated] = await borrower.getContractEvents({
      address: ORACLE,
      abi: abi().oracle,
      eventName: 'PriceUpdated',
      args: { feed: world.ethFeed },
      fromBlock: start + 1n,
    })
    const block = await borrower.getBlock({
      blockNumber: updated.blockNumber,
      includeTransactions: true,
    })
    const [, sweep] = block.transactions
    if (sweep?.to !== MARKET || sweep.from.toLowerCase() !== SYSTEM) return { block, events: [] }
    const receipt = await borrower.getTransactionReceipt({ hash: sweep.hash })
    assert.equal(receipt.status, 'success')
    return { block, sweep, events: parseEventLogs({ abi: abi().market, logs: receipt.logs }) }
  }

  const named = (events, name) => events.filter((e) => e.eventName === name).map((e) => e.args)

  test('a bidder lends, and offers the shares for collateral', async () => {
    const me = bidder.account.address
    await act(bidder, 'vault', 'deposit', [20_000n * USD, me])
    const shares = await held('vault', bidder)
    const cheap = await read('vault', 'convertToShares', 3_000n * USD)
    const dear = await read('vault', 'convertToShares', 5_000n * USD)
    const placed = await act(bidder, 'market', 'placeBid', [...queue(TWO), cheap])
    assert.equal(placed.event('BidPlaced').shares, cheap)
    assert.equal(placed.event('BidPlaced').bidder, me)
    await act(bidder, 'market', 'placeBid', [...queue(THREE), dear])
    assert.equal(await held('vault', bidder), shares - cheap - dear)
    const state = await bid(TWO)
    assert.equal(state.shares, cheap)
    assert.ok(state.worth <= 3_000n * USD && state.worth >= 3_000n * USD - 1n)

    const tiers = await read('market', 'queueState', world.market, world.vault, world.weth)
    assert.deepEqual(
      tiers.map((tier) => [tier.tier, tier.discount, tier.shares]),
      [
        [TWO, 200, cheap],
        [THREE, 300, dear],
      ],
    )
    const told = await ask('gage_queue', world.market, world.vault, world.weth)
    assert.equal(told.bestDiscount.formatted, '2 %')
    assert.deepEqual(
      told.tiers.map((tier) => BigInt(tier.worth.raw)),
      tiers.map((tier) => tier.worth),
    )
    assert.equal(BigInt(told.tiers[1].cumulated.raw), tiers[0].worth + tiers[1].worth)
  })

  test('what makes no sense is refused', async () => {
    const few = await read('vault', 'convertToShares', 1n * USD)
    const [small, [, minimum]] = await refusal(bidder, 'market', 'placeBid', [...queue(8), few])
    assert.deepEqual([small, minimum], ['BidTooSmall', units.minDebt])
    // A bonus of 10 % at most is a discount of 9 % at most.
    const [above, [discount, most]] = await refusal(bidder, 'market', 'placeBid', [
      ...queue(19),
      10n ** 10n,
    ])
    assert.deepEqual([above, discount, most], ['TierAboveMaximum', 950n, 900n])
    const huge = 10n ** 20n
    const [poor] = await refusal(bidder, 'market', 'placeBid', [...queue(TWO), huge])
    assert.equal(poor, 'ERC20InsufficientBalance')
    const [none] = await refusal(lender, 'market', 'claimBid', [
      ...queue(TWO),
      lender.account.address,
    ])
    assert.equal(none, 'NoBid')
  })

  test('the block that brings the price sells to the bids, before any transaction', async () => {
    await borrow(borrower, units.secondLoan)
    const { block, events } = await fall(wads.ethAfter)
    assert.equal(block.transactions[0].to, ORACLE)
    const fills = named(events, 'BidsFilled')
    assert.deepEqual(
      fills.map((fill) => fill.discount),
      [200, 300],
    )
    const [first, second] = fills
    assert.equal(first.owner, borrower.account.address)
    assert.deepEqual([first.price, first.debtPrice], [wads.ethAfter, wads.dollar])
    // The first tier is sold out; nobody paid less than the tier says.
    assert.ok(first.repaid >= 3_000n * USD - 1n && first.repaid <= 3_001n * USD)
    assert.equal((await bid(TWO)).shares, 0n)
    for (const { seized, repaid, price, discount } of fills) {
      const worth = (seized * price) / 10n ** 30n
      const least = (worth * (10_000n - BigInt(discount))) / 10_000n
      assert.ok(repaid >= least, `${repaid} for ${worth} at ${discount}`)
    }
    const [swept] = named(events, 'Swept')
    assert.equal(swept.reason, UNHEALTHY)
    assert.ok(swept.healthBefore < WAD && swept.healthBefore > parseEther('0.97'))
    assert.ok(swept.healthAfter >= parseEther('1.05') - 10n ** 12n)
    assert.ok((await health(borrower)) > parseEther('1.049'))

    const { liquidations } = await ask('gage_liquidations', '0x0', 'latest')
    const [told] = liquidations
    assert.deepEqual([told.kind, told.reason, told.liquidator], ['sweep', 'unhealthy', null])
    assert.deepEqual(
      told.sales.map((sale) => [sale.bids.discount.formatted, BigInt(sale.repaid.raw)]),
      fills.map((fill) => [`${fill.discount / 100} %`, fill.repaid]),
    )
    assert.equal(BigInt(told.healthAfter.raw), swept.healthAfter)
    assert.equal(BigInt(told.sales[1].seized.raw), second.seized)
  })

  test('the bidder claims the collateral', async () => {
    const me = bidder.account.address
    const { bought } = await bid(TWO)
    assert.ok(bought > 0n)
    const told = await ask('gage_bids', me)
    assert.deepEqual(
      told.map((one) => [one.tier, BigInt(one.bought.raw)]),
      [
        [TWO, bought],
        [THREE, (await bid(THREE)).bought],
      ],
    )
    const { event } = await act(bidder, 'market', 'claimBid', [...queue(TWO), me])
    assert.equal(event('BidClaimed').amount, bought)
    assert.equal(await held('weth', bidder), bought)
    // All its shares are spent: the bid is gone.
    const [again] = await refusal(bidder, 'market', 'claimBid', [...queue(TWO), me])
    assert.equal(again, 'NoBid')
    await act(bidder, 'market', 'claimBid', [...queue(THREE), me])
  })

  test("an owner's stop-loss order is carried out before the threshold", async () => {
    await act(borrower, 'market', 'repay', [
      world.market,
      borrower.account.address,
      SUB,
      world.vault,
      maxUint256,
    ])
    await borrow(owner, 11_000n * USD)
    const order = (trigger, target, tierMax) => [
      world.market,
      SUB,
      world.weth,
      world.vault,
      parseEther(trigger),
      parseEther(target),
      tierMax,
    ]
    const [low, [parameter]] = await refusal(owner, 'market', 'setStopLoss', order('1', '1.2', 6))
    assert.deepEqual([low, parameter], ['InvalidParameter', 'trigger'])
    const [, [upside]] = await refusal(owner, 'market', 'setStopLoss', order('1.2', '1.1', 6))
    assert.equal(upside, 'target')
    await act(owner, 'market', 'setStopLoss', order('1.1', '1.2', THREE))
    const told = await ask('gage_explain', world.market, owner.account.address, SUB)
    assert.equal(told.stopLoss.trigger.formatted, '1.1')
    assert.equal(told.sweep, null)

    // Health 1.09: nobody could liquidate, the order sells.
    const { events } = await fall(1_500n * WAD)
    const [swept] = named(events, 'Swept')
    assert.equal(swept.owner, owner.account.address)
    assert.equal(swept.reason, STOP_LOSS)
    assert.ok(swept.healthBefore > WAD && swept.healthBefore < parseEther('1.1'))
    const [fill] = named(events, 'BidsFilled')
    assert.equal(fill.discount, 300)
    assert.ok((await health(owner)) > swept.healthBefore)
    await act(owner, 'market', 'clearStopLoss', [world.market, SUB])
    const cleared = await ask('gage_explain', world.market, owner.account.address, SUB)
    assert.equal(cleared.stopLoss, null)
  })

  test('a bid leaves after its notice, inside its window, and not otherwise', async () => {
    const me = bidder.account.address
    const take = [...queue(THREE), maxUint256, me]
    assert.deepEqual((await refusal(bidder, 'market', 'withdrawBid', take))[0], 'NoticeNotGiven')
    const announced = await act(bidder, 'market', 'announceBidWithdrawal', queue(THREE))
    const { timestamp } = await borrower.getBlock({ blockNumber: announced.receipt.blockNumber })
    const { opensAt, announcedAt, closesAt } = await bid(THREE)
    assert.equal(announcedAt, timestamp)
    assert.equal(opensAt, timestamp + BigInt(NOTICE_SECONDS))
    assert.equal(closesAt, opensAt + BigInt(WINDOW_SECONDS))
    const [running, [until]] = await refusal(bidder, 'market', 'withdrawBid', take)
    assert.deepEqual([running, BigInt(until)], ['NoticeRunning', opensAt])

    await passTime(node.url, NOTICE_SECONDS + WINDOW_SECONDS + 5)
    assert.equal((await refusal(bidder, 'market', 'withdrawBid', take))[0], 'NoticeExpired')
    await act(bidder, 'market', 'announceBidWithdrawal', queue(THREE))
    await passTime(node.url, NOTICE_SECONDS)
    const [{ notice }] = await ask('gage_bids', me)
    assert.equal(notice.state, 'open')

    const { bought } = await bid(THREE)
    if (bought > 0n) await act(bidder, 'market', 'claimBid', [...queue(THREE), me])
    const { shares } = await bid(THREE)
    const before = await held('vault', bidder)
    const { event } = await act(bidder, 'market', 'withdrawBid', take)
    assert.equal(event('BidWithdrawn').shares, shares)
    assert.equal(await held('vault', bidder), before + shares)
    assert.deepEqual(await ask('gage_bids', me), [])
    await act(bidder, 'vault', 'redeem', [shares, me, me])
  })

  test('a lender liquidates with shares what no bid has bought', async () => {
    const { sweep } = await fall(1_150n * WAD)
    assert.equal(sweep, undefined, 'nobody bids: there is no sweep')
    assert.ok((await health(owner)) < WAD)
    const take = [
      world.market,
      owner.account.address,
      SUB,
      world.vault,
      world.weth,
      maxUint256,
      lender.account.address,
    ]
    const [shares, dollars] = [await held('vault', lender), await held('usd', lender)]
    const { event } = await act(lender, 'market', 'liquidateWithShares', take)
    const { repaid, seized } = event('Liquidated')
    const burned = shares - (await held('vault', lender))
    assert.ok(burned > 0n)
    assert.equal(await held('usd', lender), dollars, 'no dollar moved')
    const worth = await read('vault', 'convertToAssets', burned)
    const apart = worth > repaid ? worth - repaid : repaid - worth
    assert.ok(apart <= repaid / 10_000n + 2n, `${worth} for ${repaid}`)
    assert.equal(await held('weth', lender), seized)
    assert.ok((await health(owner)) > WAD)
    const { liquidations } = await ask('gage_liquidations', '0x0', 'latest')
    const last = liquidations.at(-1)
    assert.deepEqual([last.kind, last.sales[0].bids], ['open', null])
    assert.equal(last.liquidator, lender.account.address.toLowerCase())
    assert.equal(last.sales[0].price.formatted, '1150')
    assert.deepEqual(await ask('gage_losses', '0x0', 'latest'), { losses: [], totals: [] })
  })
})
