// The staker's story through viem: vault shares stand in front of the lenders, earn a premium, are
// kept while a loss is pending, and bear it.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { maxUint256 } from 'viem'
import { actingIn } from './acting.mjs'
import { passTime, startNode } from './devnode.mjs'
import { MARKET, abi, actor, buildWorld, publish, story, wallet } from './world.mjs'

const { units, wads } = story
const WAD = 10n ** 18n
const USD = 10n ** 6n
const WEEK = 604_800
const GRACE = 600

describe("viem: the staker's story", () => {
  let node, world, lender, borrower, staker
  let read, held, act, refusal, line
  before(async () => {
    node = await startNode()
    world = await buildWorld(node.url)
    ;[lender, borrower, staker] = await Promise.all(
      ['lender', 'borrower', 'liquidator'].map((name) => wallet(node.url, actor(name))),
    )
    ;({ read, held, act, refusal } = actingIn(world, borrower))
    line = [world.market, world.vault]
    await act(lender, 'vault', 'deposit', [units.deposit, lender.account.address])
    const me = borrower.account.address
    await act(borrower, 'weth', 'deposit', [], { value: units.collateral })
    const pledge = [world.market, me, 0, world.weth, units.collateral]
    await act(borrower, 'market', 'supplyCollateral', pledge)
    await act(borrower, 'market', 'borrow', [world.market, 0, world.vault, 11_000n * USD, me])
  })
  after(() => node?.stop())

  const ask = (method, ...params) => borrower.request({ method, params })
  const stakeOf = (who) => read('market', 'stakeOf', ...line, who.account.address)
  const price = (dollars) =>
    publish(node.url, [
      [world.ethFeed, dollars * WAD],
      [world.usdFeed, wads.dollar],
    ])

  test('shares are staked, and nonsense is refused', async () => {
    const me = staker.account.address
    await act(staker, 'vault', 'deposit', [20_000n * USD, me])
    const [small] = await refusal(staker, 'market', 'stake', [...line, 1n])
    assert.equal(small, 'StakeTooSmall')
    const [none] = await refusal(staker, 'market', 'unstake', [...line, maxUint256, me])
    assert.equal(none, 'NoStake')
    const shares = await held('vault', staker)
    const { event } = await act(staker, 'market', 'stake', [...line, shares])
    assert.deepEqual([event('FirstLossStaked').staker, event('FirstLossStaked').shares], [me, shares])
    assert.equal(await held('vault', staker), 0n)
    assert.equal((await stakeOf(staker)).shares, shares)
    const [told] = await ask('gage_stakes', me)
    assert.deepEqual([told.part.formatted, told.notice.state], ['100 %', 'none'])
    const [market] = await ask('gage_markets')
    assert.deepEqual(market.lines[0].firstLoss.worth, told.worth)
    const [role] = await refusal(staker, 'market', 'setFirstLossPremium', [...line, 1])
    assert.equal(role, 'NotAuthorised')
  })

  test('a stake earns a premium out of the reserve fee', async () => {
    const before = await stakeOf(staker)
    await act(staker, 'market', 'announceUnstake', line)
    await passTime(node.url, WEEK)
    const { event } = await act(lender, 'market', 'settleFirstLoss', line)
    const { assets, shares } = event('FirstLossRewarded')
    assert.ok(assets > 0n && shares > 0n)
    const after = await stakeOf(staker)
    assert.equal(after.shares, before.shares + shares)
    assert.equal((await ask('gage_stakes', staker.account.address))[0].notice.state, 'open')
  })

  test('no stake leaves in the block of the price, or after it, while a loss is pending', async () => {
    // The feeds were silent for a week: owners may act for ten minutes before anything is sold.
    await price(2_000n)
    await passTime(node.url, GRACE)
    await price(800n)
    const me = borrower.account.address
    const pending = await borrower.getContractEvents({
      address: MARKET,
      abi: abi().market,
      eventName: 'LossPending',
      fromBlock: 0n,
    })
    assert.deepEqual([pending.length, pending[0].args.owner], [1, me])
    const [held] = await refusal(staker, 'market', 'unstake', [
      ...line,
      maxUint256,
      staker.account.address,
    ])
    assert.equal(held, 'LossPending')
    const [told] = await ask('gage_stakes', staker.account.address)
    assert.equal(BigInt(told.line.pendingUntil), pending[0].args.until)
  })

  test('the stake bears the loss, and the lenders do not', async () => {
    const shares = 10n ** 18n
    const [before, worth] = [await stakeOf(staker), await read('vault', 'convertToAssets', shares)]
    const close = [
      world.market,
      borrower.account.address,
      0,
      world.vault,
      world.weth,
      maxUint256,
      lender.account.address,
    ]
    await act(lender, 'market', 'liquidateWithShares', close)
    const { losses } = await ask('gage_losses', '0x0', 'latest')
    assert.equal(losses.length, 1)
    const [{ shortfall, borneBy }] = losses
    assert.ok(BigInt(shortfall.raw) > 3_000n * USD, shortfall.formatted)
    assert.deepEqual(borneBy.firstLoss, shortfall)
    assert.deepEqual([borneBy.reserves.raw, borneBy.lenders.raw], ['0', '0'])
    assert.ok((await read('vault', 'convertToAssets', shares)) >= worth)
    const after = await stakeOf(staker)
    const lost = before.worth - after.worth
    const borne = BigInt(shortfall.raw)
    assert.ok(lost <= borne + 1n && lost > borne - USD, `${lost} of ${borne}`)
  })
})
